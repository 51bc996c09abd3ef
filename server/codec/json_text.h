/*
 * json_text.h - appends JSON to a text, piece by piece: commas and quotes are its business. For
 * documents that are mostly words; replies that are mostly numbers are printed by put.h. One thread
 * at a time, as the text.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include "codec/text.h"

/* `name` is of the member, or NULL: an element, or the whole. */
void json_text_begin_object(struct text *text, const char *name);
void json_text_end_object(struct text *text);
void json_text_begin_array(struct text *text, const char *name);
void json_text_end_array(struct text *text);
void json_text_string(struct text *text, const char *name, const char *value);
void json_text_bool(struct text *text, const char *name, bool value);
void json_text_number(struct text *text, const char *name, double value);
/* JSON as it stands. */
void json_text_raw(struct text *text, const char *name, const char *json);

#endif
