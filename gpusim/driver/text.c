#include "text.h"

#include "syscalls.h"

void *memcpy(void *target, const void *source, size_type bytes)
{
    char *to = target;
    const char *from = source;

    while (bytes--)
        *to++ = *from++;
    return target;
}

void *memset(void *target, int value, size_type bytes)
{
    char *to = target;

    while (bytes--)
        *to++ = (char)value;
    return target;
}

size_type text_length(const char *text)
{
    size_type length = 0;

    while (text[length])
        length++;
    return length;
}

int text_equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int text_starts_with(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

void text_copy(char *target, const char *source, size_type size)
{
    size_type i = 0;

    for (; i + 1 < size && source[i]; i++)
        target[i] = source[i];
    target[i] = 0;
}

void text_append(char *target, const char *source, size_type size)
{
    size_type length = text_length(target);

    text_copy(target + length, source, size - length);
}

int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char lower_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

u64 parse_decimal(const char *text)
{
    u64 value = 0;

    while (is_digit(*text))
        value = value * 10 + (u64)(*text++ - '0');
    return value;
}

u64 parse_hex(const char *text, int digits)
{
    u64 value = 0;

    for (; digits > 0; digits--, text++) {
        char c = lower_case(*text);

        value = value * 16 + (u64)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return value;
}

const char *decimal(u64 value)
{
    static char buffers[8][24];
    static int turn;
    char *end = &buffers[turn = (turn + 1) % 8][23];

    *end = 0;
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

long read_text_file(const char *path, char *buffer, size_type size)
{
    size_type length = 0;
    int file = open_file(path, OPEN_READ_ONLY);

    if (file < 0)
        return file;
    while (length + 1 < size) {
        long got = system_call(SYS_READ, file, (long)(buffer + length), (long)(size - 1 - length), 0);

        if (got <= 0)
            break;
        length += (size_type)got;
    }
    close_file(file);
    buffer[length] = 0;
    return (long)length;
}

char *cut_line(char *line)
{
    while (*line && *line != '\n')
        line++;
    if (*line)
        *line++ = 0;
    return line;
}
