// A closed loop of one request, read from standard input and sent as it is; one line of JSON.
//   client PORT CONNECTIONS SECONDS
// After SECONDS no request is begun, and those under way are waited for. An error is anything but
// a whole answer of 200 to a request that was sent. Of streams (see upstream.c) each chunk's way
// from the engine to here is measured.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 65536, GRACE = 60 };
struct conn {
  int fd, open, status, closes;
  char in[KEPT + 1];
  size_t len, sent;
  long left;  // bytes of the body still to come, -1: chunked, -2: still in the head
  uint64_t began;
};
struct samples {
  uint64_t *values;
  size_t count, room;
};

static char request[8 << 20];
static size_t request_size;
static int poller, busy;
static uint16_t port;
static uint64_t last_start;
static long errors;
static char reason[64];  // of the first one
static struct samples times, ways;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void add(struct samples *to, uint64_t value) {
  if (to->count == to->room)
    to->values = realloc(to->values, (to->room = 2 * to->room + 4096) * sizeof *to->values);
  to->values[to->count++] = value;
}

static int smaller(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static double quantile(struct samples *of, double part) {
  if (!of->count) return 0;
  qsort(of->values, of->count, sizeof *of->values, smaller);
  return (double)of->values[(size_t)(part * (double)(of->count - 1))] / 1000.0;
}

static void count_error(const char *format, int number) {
  if (!errors++) snprintf(reason, sizeof reason, format, number);
}

static void watch(struct conn *c, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, how, c->fd, &event);
}

static void dial(struct conn *c) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connect(c->fd, (struct sockaddr *)&to, sizeof to);
  c->open = 1;
  watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void hang_up(struct conn *c) {
  if (c->open) close(c->fd);
  c->open = 0;
}

static void write_more(struct conn *c) {
  while (c->sent < request_size) {
    ssize_t put = send(c->fd, request + c->sent, request_size - c->sent, MSG_NOSIGNAL);
    if (put < 0) break;  // either the buffer is full, or reading will tell what is wrong
    c->sent += (size_t)put;
  }
  watch(c, EPOLL_CTL_MOD, EPOLLIN | (c->sent < request_size ? EPOLLOUT : 0));
}

static void begin(struct conn *c) {
  uint64_t time = now();
  if (time >= last_start || errors > 100000) {
    hang_up(c);
    busy--;
    return;
  }
  c->len = c->sent = 0;
  c->left = -2;
  c->began = time;
  if (!c->open) dial(c);
  ssize_t put = send(c->fd, request, request_size, MSG_NOSIGNAL);
  c->sent = put > 0 ? (size_t)put : 0;
  if (c->sent < request_size) watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void failed(struct conn *c, int why) {
  count_error(c->left == -2 ? "lost before the answer: %d" : "lost within the answer: %d", why);
  hang_up(c);
  begin(c);
}

static void done(struct conn *c) {
  if (c->status != 200) {
    count_error("status %d", c->status);
  } else {
    add(&times, now() - c->began);
  }
  if (c->closes) hang_up(c);
  begin(c);
}

static void read_stamps(struct conn *c, uint64_t time) {
  char *at = c->in, *end;
  while ((at = strstr(at, "t=")) && (end = strchr(at, ';'))) {
    add(&ways, time - strtoull(at + 2, NULL, 10));
    at = end;
  }
  at = at ? at : c->in + c->len - (c->len < 8 ? c->len : 8);  // the end may be the begin of a stamp
  c->len -= (size_t)(at - c->in);
  memmove(c->in, at, c->len + 1);
}

static int read_head(struct conn *c) {
  char *split = strstr(c->in, "\r\n\r\n");
  if (!split) return 0;
  split[2] = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  c->status = atoi(c->in + 9);
  c->closes = strcasestr(c->in, "\r\nconnection: close") != NULL;
  c->left = strcasestr(c->in, "\r\ntransfer-encoding:") ? -1 : length ? atol(length + 17) : 0;
  c->len -= (size_t)(split + 4 - c->in);
  memmove(c->in, split + 4, c->len + 1);
  return 1;
}

static void receive(struct conn *c) {
  ssize_t got = recv(c->fd, c->in + c->len, KEPT - c->len, 0);
  uint64_t time = now();
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    failed(c, got ? errno : 0);
    return;
  }
  c->len += (size_t)got;
  c->in[c->len] = 0;
  if (c->left == -2 && !read_head(c)) return;
  if (c->left == -1) {
    int over = c->len >= 5 && !memcmp(c->in + c->len - 5, "0\r\n\r\n", 5);
    read_stamps(c, time);
    if (over) done(c);
    return;
  }
  c->left -= (long)c->len;
  c->len = 0;
  if (c->left <= 0) done(c);
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "client PORT CONNECTIONS SECONDS < REQUEST\n"), 2;
  int count = atoi(argv[2]);
  for (ssize_t got; (got = read(0, request + request_size, sizeof request - request_size)) > 0;)
    request_size += (size_t)got;
  port = (uint16_t)atoi(argv[1]);
  poller = epoll_create1(0);
  struct conn *conns = calloc((size_t)count, sizeof *conns);
  uint64_t start = now();
  last_start = start + (uint64_t)(atof(argv[3]) * 1e9);
  busy = count;
  for (int i = 0; i < count; i++) begin(&conns[i]);
  struct epoll_event ready[256];
  while (busy && now() < last_start + GRACE * 1000000000ull) {
    int events = epoll_wait(poller, ready, 256, 1000);
    for (int i = 0; i < events; i++) {
      struct conn *c = ready[i].data.ptr;
      if (ready[i].events & EPOLLOUT && c->open) write_more(c);
      if (ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP) && c->open) receive(c);
    }
  }
  double seconds = (double)(now() - start) / 1e9;
  while (busy--) count_error("no end of the answer", 0);
  printf("{\"requests\":%zu,\"errors\":%ld,\"seconds\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
         "\"chunks\":%zu,\"chunk_p50_us\":%.1f,\"chunk_p99_us\":%.1f,\"reason\":\"%s\"}\n",
         times.count, errors, seconds, quantile(&times, .5), quantile(&times, .99), ways.count,
         quantile(&ways, .5), quantile(&ways, .99), reason);
}
