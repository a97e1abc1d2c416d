// An engine that costs next to nothing: OpenAI's JSON, or a stream whose chunks say when they left.
//   upstream PORT INTERVAL_MS
// A request with "stream":true gets "max_tokens" chunks (else 50), one per interval, each with
// CLOCK_MONOTONIC in ns as "t=...;". Any other gets one answer, with the bytes of the body it came
// with as prompt_tokens, so that a client sees whether all of it arrived.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct conn {
  int fd;
  char *in;
  size_t len, cap;
  long chunks;   // still to be sent of a stream
  uint64_t due;  // when the next one leaves
  struct conn *next, **link;
};

static int poller;
static uint64_t interval;
static struct conn *streams;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void leave_streams(struct conn *c) {
  if (!c->link) return;
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  c->link = NULL;
}

static void finish(struct conn *c) {
  leave_streams(c);
  close(c->fd);
  free(c->in);
  free(c);
}

// A reader too slow for the socket's buffer loses its connection: a benchmark has none.
static int put(struct conn *c, const char *text, size_t size) {
  return send(c->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

static int put_chunk(struct conn *c) {
  char event[512], out[640];
  int size = snprintf(event, sizeof event,
                      "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                      "\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t=%llu;\"},"
                      "\"finish_reason\":%s}]}\n\n%s",
                      (unsigned long long)now(), c->chunks > 1 ? "null" : "\"stop\"",
                      c->chunks > 1 ? "" : "data: [DONE]\n\n");
  int all = snprintf(out, sizeof out, "%x\r\n%s\r\n%s", (unsigned)size, event,
                     c->chunks > 1 ? "" : "0\r\n\r\n");
  if (--c->chunks == 0) leave_streams(c);
  c->due += interval;
  return put(c, out, (size_t)all);
}

static int put_json(struct conn *c, size_t body) {
  char text[512], out[768];
  int size = snprintf(text, sizeof text,
                      "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,"
                      "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                      "\"content\":\"ok\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%zu,"
                      "\"completion_tokens\":1,\"total_tokens\":%zu}}",
                      body, body + 1);
  int all = snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     size, text);
  return put(c, out, (size_t)all);
}

static int answer(struct conn *c, const char *body, size_t size) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!memmem(body, size, "\"stream\":true", 13) && !memmem(body, size, "\"stream\": true", 14))
    return put_json(c, size);
  const char *asked = memmem(body, size, "\"max_tokens\":", 13);
  c->chunks = asked ? atol(asked + 13) : 50;
  c->due = now() + (uint64_t)rand() % interval;  // else streams begun together always send together
  c->next = streams;
  c->link = &streams;
  if (streams) streams->link = &c->next;
  streams = c;
  return put(c, head, sizeof head - 1);
}

// Joins the pieces of a chunked body in place; its size, or -1 while it is incomplete.
static ssize_t unchunk(char *body, size_t len) {
  char *from = body, *to = body, *end = body + len;
  if (len < 5 || memcmp(end - 5, "0\r\n\r\n", 5)) return -1;
  for (;;) {
    char *data;
    size_t size = strtoul(from, &data, 16);
    data += 2;
    if (size == 0) return to - body;
    if (data + size + 2 > end) return -1;
    memmove(to, data, size);
    to += size;
    from = data + size + 2;
  }
}

static int consume(struct conn *c) {
  c->in[c->len] = 0;
  char *split = strstr(c->in, "\r\n\r\n");
  if (!split) return 0;
  char *body = split + 4;
  ssize_t have = c->len - (size_t)(body - c->in), size = 0;
  *split = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  char *chunked = strcasestr(c->in, "\r\ntransfer-encoding: chunked");
  *split = '\r';
  if (chunked)
    size = unchunk(body, (size_t)have);
  else if (length && (size = atol(length + 17)) > have)
    return 0;
  if (size < 0) return 0;
  c->len = 0;
  return answer(c, body, (size_t)size);
}

static int receive(struct conn *c) {
  for (;;) {
    if (c->cap - c->len < 65536) c->in = realloc(c->in, (c->cap = 2 * c->cap + 131072) + 1);
    ssize_t got = recv(c->fd, c->in + c->len, c->cap - c->len, 0);
    if (got == 0) return -1;
    if (got < 0) return errno == EAGAIN ? 0 : -1;
    size_t asked = c->cap - c->len;
    c->len += (size_t)got;
    if (consume(c) < 0) return -1;
    if ((size_t)got < asked) return 0;
  }
}

static void admit(int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct conn *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static void tick(void) {
  uint64_t time = now();
  for (struct conn *c = streams, *next; c; c = next) {
    next = c->next;
    if (c->due <= time && put_chunk(c) < 0) finish(c);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "upstream PORT INTERVAL_MS\n"), 2;
  interval = strtoull(argv[2], NULL, 10) * 1000000;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
    return perror("upstream"), 1;
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(poller, ready, 256, streams ? 1 : -1);
    for (int i = 0; i < count; i++) {
      struct conn *c = ready[i].data.ptr;
      if (!c)
        admit(listener);
      else if (receive(c) < 0)
        finish(c);
    }
    if (streams) tick();
  }
}
