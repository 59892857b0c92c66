/* Text that is safe to print, and text that is put together. Where memory runs out these end the
   program: half a report would be a wrong one. */
#ifndef CHECK_NET_TEXT_H
#define CHECK_NET_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* A formatted string; the caller frees it. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As text_format, with the arguments as a list. */
char *text_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* A copy; the caller frees it. */
char *text_copy(const char *text);

/* A copy of `length` bytes of text, terminated; the caller frees it. */
char *text_copy_part(const char *text, size_t length);

/* A copy of an untrusted text that is safe on a terminal: control characters (C0, DEL, C1),
   line and paragraph separators, marks that turn the direction of writing, and bytes that are not
   UTF-8 become `\xNN` or `\u{NNNN}`; longer than TEXT_SHOWN_LENGTH it ends with "…". The caller
   frees it. */
char *text_printable(const char *text, size_t length);

/* Says so, and ends the program with status 1. */
_Noreturn void text_end_without_memory(void);

#endif
