/* The meter of `make bench`: asks a gateway for calls at a steady rate, answers
 * them as a phone would, reads the event stream, and has one clock for all three.
 *
 *   meter calls    POST /calls at --rate, --count times. With --phone PORT it is
 *                  the callee, too (UDP): 180, 200, and BYE --hold ms after the
 *                  ACK. Without, somebody else is, and the end of each call is
 *                  taken from the event stream.
 *   meter streams  opens --count event streams, then places --calls calls and
 *                  tells how late each stream got each event.
 *
 * Latencies count from the moment at which a request was due, so a gateway that
 * keeps the meter waiting can't hide it. One line of JSON comes out. Loopback
 * only; it ends by itself. */
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/param.h>

#define METER "meter"
#include "shared.h"

static struct {
	unsigned http;  /* port */
	unsigned phone; /* port; 0: none */
	double rate;
	unsigned count, hold_ms, conns, calls, drain_s;
	const char *extra; /* more members of the body */
	const char *key;   /* shown with each request; NULL: none */
	const char *once;  /* each POST has an Idempotency-Key that begins so */
} opt = { .http = 8080,
	  .rate = 100,
	  .count = 100,
	  .hold_ms = 100,
	  .conns = 32,
	  .calls = 20,
	  .drain_s = DRAIN_S,
	  .extra = "" };

/* Calls ---------------------------------------------------------------------- */

struct call {
	int64_t due, posted, created, invite, ok_sent, ack, bye_at, ended,
		answered_ev;
	int status; /* of HTTP; 0: not yet */
	uint8_t invites, oks, byes;
	bool bye_sent, bye_done, failed;
	int64_t again_at, wait; /* when the 200 or the BYE is sent once more */
	char *invite_msg;       /* what the 200 answers; gone with the ACK */
	/* what the BYE needs */
	char *dialog; /* Via-less head of our BYE */
	unsigned branch;
	struct sockaddr_in peer;
};
static struct call *calls;
static unsigned issued, created, refused, http_failed, ended, invites_again,
	oks_again;
static unsigned ended_other; /* by the stream, not completed */

/* Results -------------------------------------------------------------------- */

static void print_between(const char *name, size_t from, size_t to)
{
	int64_t *us = calloc(opt.count + 1, sizeof(*us));
	size_t n = 0;
	unsigned i;

	if (!us)
		die("memory");
	for (i = 0; i < issued; i++) {
		const int64_t a =
			*(const int64_t *)((const char *)&calls[i] + from);
		const int64_t b =
			*(const int64_t *)((const char *)&calls[i] + to);

		if (a && b)
			us[n++] = b - a;
	}
	print_latency(name, us, n);
	free(us);
}

/* HTTP: connections that stay open, one request at a time each ---------------- */

struct conn {
	int fd;
	int call; /* -1: idle */
	size_t got;
	char buf[BUF];
};
static struct conn *conns;
static unsigned queue_head; /* calls that are due and have no connection yet */

enum { KIND_HTTP = 1, KIND_EVENTS, KIND_PHONE, KIND_STREAM };

static void post(struct conn *c, unsigned index)
{
	char body[512], req[1024], bearer[160] = "", once[80] = "";
	int n, m;

	if (opt.key)
		(void)snprintf(bearer, sizeof(bearer),
			       "Authorization: Bearer %s\r\n", opt.key);
	if (opt.once)
		(void)snprintf(once, sizeof(once),
			       "Idempotency-Key: %.32s-%07u\r\n", opt.once,
			       index);

	n = snprintf(body, sizeof(body), "{\"to\":\"sip:m%07u\"%s}", index,
		     opt.extra);
	m = snprintf(
		req, sizeof(req),
		"POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"%s%sContent-Length: %d\r\n\r\n%s",
		bearer, once, n, body);
	c->call = (int)index;
	c->got = 0;
	calls[index].posted = now_us();
	if (write(c->fd, req, (size_t)m) != m)
		die("write");
}

static void reopen(struct conn *c, unsigned i)
{
	(void)close(c->fd);
	c->fd = dial_http(opt.http, 0);
	c->call = -1;
	watch(c->fd, KIND_HTTP, i);
}

static void http_ready(unsigned i)
{
	struct conn *c = &conns[i];
	const ssize_t n =
		read(c->fd, c->buf + c->got, sizeof(c->buf) - 1 - c->got);
	bool closing = false;
	int status = 0;

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (c->call >= 0) {
			http_failed++;
			calls[c->call].failed = true;
		}
		reopen(c, i);
		return;
	}
	c->got += (size_t)n;
	if (!read_answer(c->buf, c->got, &status, &closing))
		return;
	if (c->call >= 0) {
		struct call *call = &calls[c->call];

		call->status = status;
		call->created = now_us();
		if (status == 201)
			created++;
		else if (status == 503 || status == 429)
			refused++, call->failed = true;
		else
			http_failed++, call->failed = true;
	}
	c->call = -1;
	if (closing)
		reopen(c, i);
}

static void hand_out(void)
{
	unsigned i;

	for (i = 0; i < opt.conns && queue_head < issued; i++)
		if (conns[i].call < 0)
			post(&conns[i], queue_head++);
}

/* A chunked body (RFC 9112 7.1) ------------------------------------------------- */

struct body {
	enum { BODY_HEAD, BODY_SIZE, BODY_DATA, BODY_END } state;
	size_t left;   /* of the chunk */
	unsigned line; /* signs of the line so far: an empty one ends the head */
};

/* Takes everything out of buf that is not the body's own. Returns what is left. */
static size_t body_only(struct body *b, char *buf, size_t len)
{
	size_t in = 0, out = 0, n;

	while (in < len) {
		const char c = buf[in];

		switch (b->state) {
		case BODY_HEAD:
			in++;
			if (c == '\n' && !b->line)
				b->state = BODY_SIZE;
			if (c != '\r')
				b->line = c == '\n' ? 0 : b->line + 1;
			break;
		case BODY_SIZE:
			in++;
			if (c == '\n')
				b->state = BODY_DATA;
			else if (c != '\r')
				b->left = b->left * 16 +
					  (size_t)(c <= '9' ?
							   c - '0' :
							   (c | 32) - 'a' + 10);
			break;
		case BODY_DATA:
			n = len - in < b->left ? len - in : b->left;
			memmove(buf + out, buf + in, n);
			in += n;
			out += n;
			b->left -= n;
			if (!b->left)
				b->state = BODY_END;
			break;
		case BODY_END:
			in++;
			if (c == '\n')
				b->state = BODY_SIZE;
			break;
		}
	}
	return out;
}

/* The event stream ------------------------------------------------------------- */

static struct {
	int fd;
	struct body body;
	size_t got;
	char buf[1 << 18];
	uint64_t events, bytes;
} ev;

static int index_of(const char *line)
{
	const char *to = strstr(line, "\"to\":\"sip:m");
	const long i = to ? strtol(to + 11, NULL, 10) : -1;

	return i >= 0 && i < (long)issued ? (int)i : -1;
}

static void event_line(const char *line)
{
	int i;

	if (strncmp(line, "data: ", 6) != 0)
		return;
	ev.events++;
	if (strstr(line, "\"type\":\"call.answered\"")) {
		i = index_of(line);
		if (i >= 0)
			calls[i].answered_ev = now_us();
	} else if (strstr(line, "\"type\":\"call.ended\"")) {
		i = index_of(line);
		if (i >= 0 && !calls[i].ended) {
			calls[i].ended = now_us();
			ended++;
			if (!strstr(line, "\"status\":\"completed\""))
				ended_other++;
		}
	}
}

static void events_ready(void)
{
	const ssize_t n =
		read(ev.fd, ev.buf + ev.got, sizeof(ev.buf) - 1 - ev.got);
	char *line = ev.buf, *eol;

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		die("the event stream ended");
	}
	ev.bytes += (uint64_t)n;
	ev.got += body_only(&ev.body, ev.buf + ev.got, (size_t)n);
	ev.buf[ev.got] = '\0';
	while ((eol = memchr(line, '\n', ev.got - (size_t)(line - ev.buf)))) {
		*eol = '\0';
		event_line(line);
		line = eol + 1;
	}
	ev.got -= (size_t)(line - ev.buf);
	memmove(ev.buf, line, ev.got);
	if (ev.got == sizeof(ev.buf) - 1)
		die("an event line of 256 kB");
}

static int open_stream(unsigned port, int rcvbuf)
{
	char req[320];
	const int fd = dial_http(port, rcvbuf);
	const int n = snprintf(req, sizeof(req),
			       "GET /events HTTP/1.1\r\nHost: localhost\r\n"
			       "%s%s%sAccept: text/event-stream\r\n\r\n",
			       opt.key ? "Authorization: Bearer " : "",
			       opt.key ? opt.key : "", opt.key ? "\r\n" : "");

	if (write(fd, req, (size_t)n) != n)
		die("write");
	return fd;
}

/* The phone ------------------------------------------------------------------- */

static int phone_fd = -1;
static unsigned branch_no;

static void send_to(const struct sockaddr_in *peer, const char *text,
		    size_t len)
{
	(void)sendto(phone_fd, text, len, 0, (const struct sockaddr *)peer,
		     sizeof(*peer));
}

static void reply(const char *msg, const struct sockaddr_in *peer,
		  const char *status, const char *more)
{
	char out[PACKET];
	const int n = write_reply(out, sizeof(out), msg, status, more);

	if (n)
		send_to(peer, out, (size_t)n);
}

/* RFC 3261 17.1.2.2 and 13.3.1.4: what is not answered is sent again after T1,
 * then after twice as long, and so on up to T2. */
enum { T1_US = 500000, T2_US = 4000000 };

static void send_bye(struct call *call)
{
	char out[PACKET];
	const int n = call->dialog ? write_bye(out, sizeof(out), call->dialog,
					       opt.phone, call->branch) :
				     0;

	if (n)
		send_to(&call->peer, out, (size_t)n);
}

static void invited(const char *msg, const struct sockaddr_in *peer,
		    struct call *call)
{
	static const char sdp[] =
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
		"t=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
	char more[512];

	if (call->invites++) {
		invites_again++;
	} else {
		call->invite_msg = strdup(msg);
		call->invite = now_us();
		reply(msg, peer, "180 Ringing", "Content-Length: 0\r\n\r\n");
		call->dialog = write_dialog(msg);
		call->peer = *peer;
	}
	(void)snprintf(
		more, sizeof(more),
		"Contact: <sip:m@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		opt.phone, sizeof(sdp) - 1, sdp);
	if (call->oks++)
		oks_again++;
	else
		call->ok_sent = now_us();
	call->wait = call->wait ? MIN(2 * call->wait, T2_US) : T1_US;
	call->again_at = now_us() + call->wait;
	reply(msg, peer, "200 OK", more);
}

static int user_index(const char *msg)
{
	const char *at = strstr(msg, "sip:m");
	const long i = at ? strtol(at + 5, NULL, 10) : -1;

	return i >= 0 && i < (long)issued ? (int)i : -1;
}

/* Which call an ACK or the answer to a BYE belongs to: the To of either names it. */
static void phone_message(const char *msg, const struct sockaddr_in *peer)
{
	size_t len;
	const char *to = header(msg, "\r\nTo:", &len);
	int i;

	if (!strncmp(msg, "INVITE ", 7)) {
		i = user_index(msg);
		if (i >= 0)
			invited(msg, peer, &calls[i]);
	} else if (!strncmp(msg, "ACK ", 4)) {
		i = to ? user_index(to) : -1;
		if (i >= 0 && !calls[i].ack) {
			calls[i].ack = now_us();
			calls[i].bye_at =
				calls[i].ack + (int64_t)opt.hold_ms * 1000;
			free(calls[i].invite_msg);
			calls[i].invite_msg = NULL;
		}
	} else if (!strncmp(msg, "SIP/2.0 200", 11)) {
		to = header(msg, "\r\nFrom:", &len);
		i = to ? user_index(to) : -1;
		if (i >= 0)
			calls[i].bye_done = true;
	} else if (!strncmp(msg, "BYE ", 4)) {
		reply(msg, peer, "200 OK", "Content-Length: 0\r\n\r\n");
	} else if (!strncmp(msg, "CANCEL ", 7)) {
		reply(msg, peer, "200 OK", "Content-Length: 0\r\n\r\n");
	}
}

static void phone_ready(void)
{
	char buf[PACKET + 1];
	struct sockaddr_in peer;
	int turns = 64;

	while (turns--) {
		socklen_t len = sizeof(peer);
		const ssize_t n = recvfrom(phone_fd, buf, PACKET, 0,
					   (struct sockaddr *)&peer, &len);

		if (n <= 0)
			return;
		buf[n] = '\0';
		phone_message(buf, &peer);
	}
}

static void open_phone(void)
{
	phone_fd = open_udp(opt.phone, 4 << 20);
	watch(phone_fd, KIND_PHONE, 0);
}

static void look_after(struct call *call, int64_t now)
{
	if (call->bye_sent && call->again_at <= now) {
		send_bye(call);
		call->wait = MIN(2 * call->wait, T2_US);
		call->again_at = now + call->wait;
	} else if (!call->bye_sent && call->bye_at && call->bye_at <= now) {
		call->bye_sent = true;
		call->branch = branch_no++;
		call->wait = T1_US;
		call->again_at = now + T1_US;
		send_bye(call);
	} else if (!call->ack && call->invite_msg && call->again_at <= now) {
		invited(call->invite_msg, &call->peer, call);
		invites_again--; /* it was not the gateway that asked again */
	}
}

/* BYEs that are due, and what got lost on the way: calls answer in about the order
 * of their making. A look each millisecond is enough. */
static void hang_up(int64_t now)
{
	static unsigned first;
	static int64_t looked;
	unsigned i;

	if (now - looked < 1000)
		return;
	looked = now;
	while (first < issued && (calls[first].bye_done || calls[first].failed))
		first++;
	for (i = first; i < issued; i++) {
		struct call *call = &calls[i];

		if (call->invite && !call->bye_done)
			look_after(call, now);
		if (!call->invite && i > first + 20000)
			break;
	}
}

/* calls ----------------------------------------------------------------------- */

static void pump(int timeout_ms)
{
	struct epoll_event e[64];
	const int n = epoll_wait(ep, e, 64, timeout_ms);
	int i;

	for (i = 0; i < n; i++) {
		const uint32_t index = (uint32_t)e[i].data.u64;

		switch (e[i].data.u64 >> 32) {
		case KIND_HTTP:
			http_ready(index);
			break;
		case KIND_EVENTS:
			events_ready();
			break;
		case KIND_PHONE:
			phone_ready();
			break;
		default:
			break;
		}
	}
}

static void print_calls(double seconds)
{
	(void)printf(
		"{\"issued\":%u,\"created\":%u,\"refused\":%u,\"http_failed\":%u,"
		"\"ended\":%u,\"ended_other\":%u,\"invites_again\":%u,\"oks_again\":%u,"
		"\"seconds\":%.3f,\"rate\":%.1f,\"events\":%llu,",
		issued, created, refused, http_failed, ended, ended_other,
		invites_again, oks_again, seconds, created / seconds,
		(unsigned long long)ev.events);
	print_between("post_to_201_ms", offsetof(struct call, due),
		      offsetof(struct call, created));
	print_between("post_to_invite_ms", offsetof(struct call, due),
		      offsetof(struct call, invite));
	print_between("ok_to_ack_ms", offsetof(struct call, ok_sent),
		      offsetof(struct call, ack));
	print_between("ok_to_event_ms", offsetof(struct call, ok_sent),
		      offsetof(struct call, answered_ev));
	(void)printf("\"done\":true}\n");
}

static int run_calls(void)
{
	int64_t start, posting_over = 0, give_up = 0;
	unsigned i;

	calls = calloc(opt.count + 1, sizeof(*calls));
	conns = calloc(opt.conns, sizeof(*conns));
	if (!calls || !conns)
		die("memory");
	ev.fd = open_stream(opt.http, 4 << 20);
	watch(ev.fd, KIND_EVENTS, 0);
	for (i = 0; i < opt.conns; i++) {
		conns[i].fd = dial_http(opt.http, 0);
		conns[i].call = -1;
		watch(conns[i].fd, KIND_HTTP, i);
	}
	if (opt.phone)
		open_phone();

	start = now_us();
	for (;;) {
		const int64_t now = now_us();

		while (issued < opt.count &&
		       start + (int64_t)(issued * 1e6 / opt.rate) <= now) {
			calls[issued].due =
				start + (int64_t)(issued * 1e6 / opt.rate);
			issued++;
		}
		hand_out();
		if (opt.phone)
			hang_up(now);
		if (!posting_over && issued == opt.count &&
		    created + refused + http_failed == issued) {
			posting_over = now;
			give_up = now + (int64_t)opt.drain_s * 1000000;
		}
		if (posting_over && (ended >= created || now > give_up))
			break;
		pump(1);
	}
	print_calls((double)(posting_over - start) / 1e6);
	return 0;
}

/* streams --------------------------------------------------------------------- */

/* One of many readers. An event is counted at the end of its data line. */
struct stream {
	int fd;
	struct body body;
	unsigned seen; /* events since the first call */
	bool in_line, is_data;
};

/* Each stream counts the events it has seen; the first to see the n-th sets the
 * mark from which the others are late. */
static struct {
	struct stream *list;
	int64_t *first; /* by event */
	uint32_t *late; /* us, of each event and stream */
	size_t late_count, late_room;
	bool counting; /* what came before the first call is no matter */
} fan;

enum { FAN_EVENTS_MAX = 4096 };

static void stream_event(struct stream *s, int64_t now)
{
	if (!fan.counting || s->seen >= FAN_EVENTS_MAX)
		return;
	if (!fan.first[s->seen])
		fan.first[s->seen] = now;
	if (fan.late_count == fan.late_room) {
		fan.late_room = fan.late_room ? fan.late_room * 2 : 1 << 20;
		fan.late = realloc(fan.late, fan.late_room * sizeof(*fan.late));
		if (!fan.late)
			die("memory");
	}
	fan.late[fan.late_count++] = (uint32_t)(now - fan.first[s->seen++]);
}

/* Lines of a stream begin with id:, event:, data:, retry: or a colon. */
static void stream_ready(struct stream *s)
{
	static char buf[1 << 17];
	const ssize_t len = read(s->fd, buf, sizeof(buf));
	const char *at = buf, *end, *eol;
	int64_t now;

	if (len <= 0) {
		if (len < 0 && errno == EAGAIN)
			return;
		die("a stream ended");
	}
	end = buf + body_only(&s->body, buf, (size_t)len);
	now = now_us();
	while (at < end) {
		if (!s->in_line)
			s->is_data = *at == 'd';
		eol = memchr(at, '\n', (size_t)(end - at));
		s->in_line = !eol;
		if (!eol)
			return;
		if (s->is_data)
			stream_event(s, now);
		at = eol + 1;
	}
}

static void open_streams(void)
{
	unsigned i;

	conns = calloc(1, sizeof(*conns));
	calls = calloc(opt.calls + 1, sizeof(*calls));
	fan.list = calloc(opt.count, sizeof(*fan.list));
	fan.first = calloc(FAN_EVENTS_MAX, sizeof(*fan.first));
	if (!fan.list || !fan.first || !conns || !calls)
		die("memory");
	for (i = 0; i < opt.count; i++) {
		fan.list[i].fd = open_stream(opt.http, 0);
		watch(fan.list[i].fd, KIND_STREAM, i);
	}
	conns[0].fd = dial_http(opt.http, 0);
	conns[0].call = -1;
	watch(conns[0].fd, KIND_HTTP, 0);
}

static size_t events_told(void)
{
	size_t n = 0;

	while (n < FAN_EVENTS_MAX && fan.first[n])
		n++;
	return n;
}

static void print_streams(void)
{
	const size_t told = events_told();
	int64_t *us = calloc(fan.late_count + 1, sizeof(*us));
	size_t i;

	if (!us)
		die("memory");
	for (i = 0; i < fan.late_count; i++)
		us[i] = fan.late[i];
	(void)printf(
		"{\"streams\":%u,\"events\":%zu,\"received\":%zu,\"missing\":%zu,",
		opt.count, told, fan.late_count,
		told * opt.count - fan.late_count);
	print_latency("fan_out_ms", us, fan.late_count);
	(void)printf("\"done\":true}\n");
	free(us);
}

/* A call every four seconds: how late an event is, is asked for, and not how many
 * of them get through. */
static int run_streams(void)
{
	enum { GREETINGS_US = 3000000, PAUSE_US = 4000000 };
	int64_t next_post, give_up;
	unsigned posted = 0;

	opt.conns = 1;
	open_streams();
	next_post = now_us() + GREETINGS_US;
	issued = opt.calls;
	give_up = next_post + (int64_t)(opt.calls + 4) * PAUSE_US;
	while (now_us() < give_up) {
		struct epoll_event e[256];
		const int n = epoll_wait(ep, e, 256, 5);
		int k;

		if (posted < opt.calls && now_us() >= next_post &&
		    conns[0].call < 0) {
			fan.counting = true;
			post(&conns[0], posted++);
			next_post += PAUSE_US;
		}
		for (k = 0; k < n; k++) {
			if (e[k].data.u64 >> 32 == KIND_HTTP)
				http_ready(0);
			else
				stream_ready(
					&fan.list[(uint32_t)e[k].data.u64]);
		}
		if (posted == opt.calls && now_us() > next_post &&
		    fan.late_count == events_told() * opt.count)
			break;
	}
	print_streams();
	return 0;
}

/* options --------------------------------------------------------------------- */

int main(int argc, char *argv[])
{
	static const struct option known[] = {
		{ "http", 1, NULL, 'h' },  { "phone", 1, NULL, 'p' },
		{ "rate", 1, NULL, 'r' },  { "count", 1, NULL, 'n' },
		{ "hold", 1, NULL, 'w' },  { "conns", 1, NULL, 'c' },
		{ "calls", 1, NULL, 'k' }, { "extra", 1, NULL, 'x' },
		{ "key", 1, NULL, 'K' },   { "once", 1, NULL, 'o' },
		{ "drain", 1, NULL, 'd' }, { NULL, 0, NULL, 0 },
	};
	int c;

	raise_fds();
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'h':
			opt.http = (unsigned)atoi(optarg);
			break;
		case 'p':
			opt.phone = (unsigned)atoi(optarg);
			break;
		case 'r':
			opt.rate = atof(optarg);
			break;
		case 'n':
			opt.count = (unsigned)atoi(optarg);
			break;
		case 'w':
			opt.hold_ms = (unsigned)atoi(optarg);
			break;
		case 'c':
			opt.conns = (unsigned)atoi(optarg);
			break;
		case 'k':
			opt.calls = (unsigned)atoi(optarg);
			break;
		case 'x':
			opt.extra = optarg;
			break;
		case 'K':
			opt.key = optarg;
			break;
		case 'o':
			opt.once = optarg;
			break;
		case 'd':
			opt.drain_s = (unsigned)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc || opt.rate <= 0 || !opt.conns ||
	    opt.conns > CONNS_MAX) {
		(void)fputs(
			"meter calls|streams [--http PORT] [--phone PORT] [--rate N] "
			"[--count N] [--hold MS] [--conns N] [--calls N] [--drain S]\n",
			stderr);
		return 2;
	}
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		die("epoll");
	return !strcmp(argv[optind], "streams") ? run_streams() : run_calls();
}
