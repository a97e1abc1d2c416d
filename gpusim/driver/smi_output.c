#include "smi_output.h"

#include "syscalls.h"

static char output[1 << 18];
static size_type used;

void put(const char *text)
{
    while (*text && used < sizeof output)
        output[used++] = *text++;
}

void put_number(u64 value)
{
    put(decimal(value));
}

void put_repeated(char c, int times)
{
    const char text[2] = {c, 0};

    while (times-- > 0)
        put(text);
}

void put_left(const char *text, int width)
{
    put(text);
    put_repeated(' ', width - (int)text_length(text));
}

void put_right(const char *text, int width)
{
    put_repeated(' ', width - (int)text_length(text));
    put(text);
}

size_type output_mark(void)
{
    return used;
}

void output_forget_from(size_type mark)
{
    used = mark;
}

_Noreturn void finish(int exit_code)
{
    size_type written = 0;

    while (written < used) {
        long got = system_call(SYS_WRITE, 1, (long)(output + written), (long)(used - written), 0);

        if (got <= 0)
            break;
        written += (size_type)got;
    }
    for (;;)
        system_call(SYS_EXIT_GROUP, exit_code, 0, 0, 0);
}

struct calendar {
    long year, month, day, weekday, hour, minute, second; /* month from 1, weekday from Thursday */
};

/* Days since 1970 to a date, counting years from March so that the leap day comes last:
   "chrono-Compatible Low-Level Date Algorithms", Howard Hinnant. */
static struct calendar calendar_now(void)
{
    long seconds = wall_clock().seconds;
    long days = seconds / 86400;
    long second_of_day = seconds % 86400;
    long shifted = days + 719468;
    long era = shifted / 146097;
    long day_of_era = shifted - era * 146097;
    long year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long march_month = (5 * day_of_year + 2) / 153;
    long month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct calendar){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
        .weekday = days % 7,
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
    };
}

static void put_two_digits(long value)
{
    put_number((u64)(value / 10));
    put_number((u64)(value % 10));
}

static void put_clock(const struct calendar *now)
{
    put_two_digits(now->hour);
    put(":");
    put_two_digits(now->minute);
    put(":");
    put_two_digits(now->second);
}

void put_date(void)
{
    static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct calendar now = calendar_now();

    put(weekdays[now.weekday]);
    put(" ");
    put(months[now.month - 1]);
    put(" ");
    put_right(decimal((u64)now.day), 2);
    put(" ");
    put_clock(&now);
    put(" ");
    put_number((u64)now.year);
}

void put_timestamp(void)
{
    struct calendar now = calendar_now();

    put_number((u64)now.year);
    put("/");
    put_two_digits(now.month);
    put("/");
    put_two_digits(now.day);
    put(" ");
    put_clock(&now);
    put(".000");
}
