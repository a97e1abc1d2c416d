/* What string.h and stdlib.h would give, without libc. */
#ifndef GPUSIM_TEXT_H
#define GPUSIM_TEXT_H

typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long size_type;

/* The compiler itself emits calls to these two. */
void *memcpy(void *target, const void *source, size_type bytes);
void *memset(void *target, int value, size_type bytes);

size_type text_length(const char *text);
int text_equal(const char *a, const char *b);
int text_starts_with(const char *text, const char *prefix);

/* Always ends the target with NUL, cutting what does not fit in `size` bytes. */
void text_copy(char *target, const char *source, size_type size);
void text_append(char *target, const char *source, size_type size);

/* Decimal digits up to the first other character; 0 when there are none. */
u64 parse_decimal(const char *text);
u64 parse_hex(const char *text, int digits);

int is_digit(char c);
char lower_case(char c);

/* Decimal text of a number in one of a few rotating buffers, good until eight calls later. */
const char *decimal(u64 value);

/* Whole file as text into `buffer`, cut at `size`; the length, or the negative error number. */
long read_text_file(const char *path, char *buffer, size_type size);

/* Ends the line at `line` with NUL and gives the start of the next one. */
char *cut_line(char *line);

#endif
