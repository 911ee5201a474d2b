#include "harness/base/field.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const void *member(const chirp_field *field, const void *object)
{
    return (const char *)object + field->offset;
}

double chirp_field_number(const chirp_field *field, const void *object)
{
    const void *at = member(field, object);
    switch (field->kind) {
    case CHIRP_FIELD_REAL:
        return *(const double *)at;
    case CHIRP_FIELD_INT64:
        return (double)*(const int64_t *)at;
    case CHIRP_FIELD_BOOL:
        return *(const bool *)at;
    case CHIRP_FIELD_INT:
    case CHIRP_FIELD_ENUM:
        return *(const int *)at;
    case CHIRP_FIELD_TEXT:
        break;
    }
    return 0;
}

void chirp_field_set_number(const chirp_field *field, void *object, double value)
{
    void *at = (char *)object + field->offset;
    switch (field->kind) {
    case CHIRP_FIELD_REAL:
        *(double *)at = value;
        break;
    case CHIRP_FIELD_INT64:
        *(int64_t *)at = (int64_t)value;
        break;
    case CHIRP_FIELD_BOOL:
        *(bool *)at = value != 0;
        break;
    case CHIRP_FIELD_INT:
    case CHIRP_FIELD_ENUM:
        *(int *)at = (int)value;
        break;
    case CHIRP_FIELD_TEXT:
        break;
    }
}

const char *chirp_field_text(const chirp_field *field, const void *object)
{
    return field->kind == CHIRP_FIELD_TEXT ? *(const char *const *)member(field, object) : NULL;
}

bool chirp_field_same(const chirp_field *field, const void *a, const void *b)
{
    if (field->kind != CHIRP_FIELD_TEXT)
        return chirp_field_number(field, a) == chirp_field_number(field, b);
    const char *one = chirp_field_text(field, a);
    const char *other = chirp_field_text(field, b);
    return one && other ? strcmp(one, other) == 0 : one == other;
}

const char *chirp_field_print(const chirp_field *field, const void *object, char *text, size_t size)
{
    static const char *const no_yes[] = {"no", "yes"};
    const char *const *names = field->choices ? field->choices : no_yes;
    if (field->kind == CHIRP_FIELD_TEXT) {
        const char *value = chirp_field_text(field, object);
        (void)snprintf(text, size, "%s", value ? value : field->choices ? names[0] : "nothing");
        return text;
    }
    const double value = chirp_field_number(field, object);
    if (field->kind == CHIRP_FIELD_BOOL || field->kind == CHIRP_FIELD_ENUM)
        (void)snprintf(text, size, "%s", names[(int)value]);
    else
        (void)snprintf(text, size, "%.15g", value);
    return text;
}

const char *chirp_field_title(const chirp_field *field)
{
    return field->option ? field->option : field->name;
}
