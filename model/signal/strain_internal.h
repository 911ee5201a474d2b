/** Where a strain file keeps its samples (private to model/signal). */
#ifndef CHIRP_MODEL_SIGNAL_STRAIN_INTERNAL_H
#define CHIRP_MODEL_SIGNAL_STRAIN_INTERNAL_H

#include "model/signal/hdf.h"

/** An open strain file and what its layout calls things. */
typedef struct chirp_strain_source {
    char *name; /**< of the file, without the series chosen in it; for messages */
    hid_t file;
    char dataset[256]; /**< "strain/Strain" */
    char group[256]; /**< "", or "H1/" in a merged file: meta and quality are beside strain there */
    bool gwosc;      /**< meta and quality may be there */
    const char *start,
        *spacing; /**< attributes of the dataset: GPS time of sample 0, seconds between samples */
    char detector[16];
} chirp_strain_source;

/**
 * Opens `path`, "FILE" or "FILE:SERIES", and finds the samples: GWOSC's strain/Strain, else the one series of gwpy (x0, dx), pycbc
 * (start_time, delta_t) or GWOSC's kind (Xstart, Xspacing) anywhere in the file; of several the one whose path or
 * detector is SERIES.
 * @return CHIRP_ERR_FORMAT  no series, or several; no HDF5 file: the sentence names the remedy
 */
chirp_status chirp_strain_source_open(const char *path, chirp_strain_source *source);
void chirp_strain_source_close(chirp_strain_source *source);

#endif
