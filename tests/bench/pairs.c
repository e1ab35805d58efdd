/* The second meter of `make bench`: calls that join two people. It asks for them
 * at a steady rate, is both of their phones (UDP), and has one clock for all.
 *
 *   pairs calls   POST /calls with from and to, --rate a second, --count in all.
 *                 Both phones answer at once; --hold ms after both are up one of
 *                 them hangs up (in turn from and to), and the other waits for
 *                 its BYE.
 *   pairs sound   the same with sound: both phones of each call send a packet of
 *                 PCMA every 20 ms for --steady seconds, and each packet carries
 *                 the time it left.
 *   pairs straight  sound as above, but past the gateway, from one phone to the
 *                 other: what of the delay is the meter's own and the machine's.
 *   pairs flood   GET /livez on --conns connections as fast as they are answered,
 *                 for --steady seconds.
 *
 * One line of JSON comes out. Loopback only; it ends by itself. */
#include <getopt.h>
#include <stddef.h>

#define METER "pairs"
#include "shared.h"

enum {
	RTP_BASE = 40000,
	RTP_LEN = 172, /* header and 20 ms of PCMA */
	TICK_US = 20000,
};

static struct {
	unsigned http, phone;
	double rate;
	unsigned count, hold_ms, conns, steady_s;
	bool sound;
	const char *extra; /* more members of the body */
} opt = { .http = 8080,
	  .phone = 15080,
	  .rate = 100,
	  .count = 100,
	  .hold_ms = 100,
	  .conns = 32,
	  .steady_s = 10,
	  .extra = "" };

/* The two phones of a call --------------------------------------------------- */

enum { FROM, TO };

struct leg {
	int64_t invite, ok_sent, up, bye_sent, bye_got;
	unsigned invites;
	bool bye_done;
	char *dialog; /* our BYE without its Via */
	struct sockaddr_in peer;
	/* sound */
	int fd; /* -1: none */
	struct sockaddr_in rtp;
	uint16_t seq;
	uint32_t sent, got;
	int64_t next_us;
};

struct pair {
	int64_t due, created, over;
	int status; /* of HTTP; 0: not yet */
	struct leg legs[2];
};

static struct pair *pairs;
static unsigned issued, created, refused, http_failed, over, invites_again;

static struct {
	int64_t *us;
	size_t count, room;
} delays; /* of packets */

/* Results --------------------------------------------------------------------- */

/* What lies between two moments of each pair; 0: it has not come to that. */
typedef int64_t(span_h)(const struct pair *p);

static int64_t post_to_invite(const struct pair *p)
{
	return p->legs[FROM].invite ? p->legs[FROM].invite - p->due : 0;
}

static int64_t first_ok_to_second_invite(const struct pair *p)
{
	return p->legs[TO].invite ? p->legs[TO].invite - p->legs[FROM].ok_sent :
				    0;
}

static int64_t post_to_both_up(const struct pair *p)
{
	return p->legs[TO].up && p->legs[FROM].up ? p->legs[TO].up - p->due : 0;
}

static int64_t bye_to_bye(const struct pair *p)
{
	const struct leg *a = &p->legs[FROM], *b = &p->legs[TO];

	if (a->bye_sent && b->bye_got)
		return b->bye_got - a->bye_sent;
	return b->bye_sent && a->bye_got ? a->bye_got - b->bye_sent : 0;
}

static void print_span(const char *name, span_h *h)
{
	int64_t *us = calloc(opt.count + 1, sizeof(*us));
	size_t n = 0;

	if (!us)
		die("memory");
	for (unsigned i = 0; i < issued; i++) {
		const int64_t span = h(&pairs[i]);

		if (span > 0)
			us[n++] = span;
	}
	print_latency(name, us, n);
	free(us);
}

/* HTTP: connections that stay open, one request at a time each ----------------- */

enum { KIND_HTTP = 1, KIND_PHONE, KIND_RTP };

static struct conn {
	int fd;
	int pair; /* -1: idle */
	size_t got;
	char buf[BUF];
} * conns;
static unsigned next_post;
static uint64_t answers;

static void dial(unsigned i)
{
	conns[i].fd = dial_http(opt.http, 0);
	conns[i].pair = -1;
	conns[i].got = 0;
	watch(conns[i].fd, KIND_HTTP, i);
}

static void ask(struct conn *c, const char *text, int len)
{
	c->got = 0;
	if (write(c->fd, text, (size_t)len) != len)
		die("write");
}

static void post(struct conn *c, unsigned index)
{
	char body[512], req[1024];
	int n, m;

	n = snprintf(
		body, sizeof(body),
		"{\"from\":\"sip:a%07u\",\"to\":\"sip:b%07u\",\"ring_timeout\":20%s}",
		index, index, opt.extra);
	m = snprintf(
		req, sizeof(req),
		"POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		n, body);
	c->pair = (int)index;
	ask(c, req, m);
}

static void get(struct conn *c)
{
	static const char req[] =
		"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

	ask(c, req, sizeof(req) - 1);
}

static void pair_over(struct pair *p)
{
	if (!p->over) {
		p->over = now_us();
		over++;
	}
}

static void answered(struct conn *c, int status)
{
	struct pair *p;

	answers++;
	if (c->pair < 0) {
		c->pair = -1; /* of a flood: idle again */
		return;
	}
	p = &pairs[c->pair];
	c->pair = -1;
	p->status = status;
	p->created = now_us();
	if (status == 201) {
		created++;
		return;
	}
	if (status == 503 || status == 429)
		refused++;
	else
		http_failed++;
	pair_over(p);
}

static void http_ready(unsigned i)
{
	struct conn *c = &conns[i];
	const ssize_t n =
		read(c->fd, c->buf + c->got, sizeof(c->buf) - 1 - c->got);
	bool closing = n <= 0;
	int status = 0;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		c->got += (size_t)n;
		if (!read_answer(c->buf, c->got, &status, &closing))
			return;
	}
	answered(c, status);
	if (closing) {
		(void)close(c->fd);
		dial(i);
	}
}

static void hand_out(void)
{
	for (unsigned i = 0; i < opt.conns && next_post < issued; i++)
		if (conns[i].pair < 0)
			post(&conns[i], next_post++);
}

/* The phones' SIP --------------------------------------------------------------- */

static int phone_fd = -1;
static unsigned branch_no;

static void send_sip(const struct sockaddr_in *peer, const char *text, int len)
{
	if (len > 0)
		(void)sendto(phone_fd, text, (size_t)len, 0,
			     (const struct sockaddr *)peer, sizeof(*peer));
}

static void reply(const char *msg, const struct sockaddr_in *peer,
		  const char *status, const char *more)
{
	char out[PACKET];

	send_sip(peer, out, write_reply(out, sizeof(out), msg, status, more));
}

static void send_bye(struct leg *leg)
{
	char out[PACKET];

	if (!leg->dialog)
		return;
	leg->bye_sent = now_us();
	send_sip(&leg->peer, out,
		 write_bye(out, sizeof(out), leg->dialog, opt.phone,
			   branch_no++));
}

/* Sound -------------------------------------------------------------------------- */

static const char mark[5] = { 'p', 'a', 'i', 'r', 's' };

static uint16_t rtp_port(const struct pair *p, int which)
{
	return (uint16_t)(RTP_BASE + 4 * (p - pairs) + 2 * which);
}

static void open_rtp(struct pair *p, int which)
{
	p->legs[which].fd = open_udp(rtp_port(p, which), 1 << 20);
	watch(p->legs[which].fd, KIND_RTP, (uint32_t)(2 * (p - pairs) + which));
}

/* Where the gateway wants to hear us. */
static void take_sdp(struct leg *leg, const char *msg)
{
	const char *audio = strstr(msg, "\r\nm=audio ");

	leg->rtp.sin_family = AF_INET;
	leg->rtp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	leg->rtp.sin_port =
		audio ? htons((uint16_t)strtoul(audio + 10, NULL, 10)) : 0;
}

static void send_packet(struct leg *leg, int64_t now)
{
	uint8_t packet[RTP_LEN];
	const uint32_t ts = htonl(leg->sent * 160);
	const uint16_t seq = htons(leg->seq++);

	memset(packet, 0xd5, sizeof(packet));
	packet[0] = 0x80;
	packet[1] = 8;
	memcpy(packet + 2, &seq, 2);
	memcpy(packet + 4, &ts, 4);
	memset(packet + 8, 0x11, 4);
	memcpy(packet + 12, mark, sizeof(mark));
	memcpy(packet + 17, &now, sizeof(now));
	(void)sendto(leg->fd, packet, sizeof(packet), 0,
		     (struct sockaddr *)&leg->rtp, sizeof(leg->rtp));
	leg->sent++;
}

static void rtp_ready(uint32_t index)
{
	struct leg *leg = &pairs[index / 2].legs[index % 2];
	uint8_t packet[PACKET];
	ssize_t n;

	while ((n = recv(leg->fd, packet, sizeof(packet), 0)) > 0) {
		int64_t left;

		if (n != RTP_LEN ||
		    memcmp(packet + 12, mark, sizeof(mark)) != 0)
			continue; /* silence of the gateway's own */
		memcpy(&left, packet + 17, sizeof(left));
		leg->got++;
		if (delays.count == delays.room) {
			delays.room = delays.room ? 2 * delays.room : 1 << 20;
			delays.us = realloc(delays.us,
					    delays.room * sizeof(*delays.us));
			if (!delays.us)
				die("memory");
		}
		delays.us[delays.count++] = now_us() - left;
	}
}

/* Each leg on its own beat, spread over the 20 ms. */
static void send_sound(int64_t now)
{
	for (unsigned i = 0; i < issued; i++) {
		struct pair *p = &pairs[i];
		const int64_t both_up = p->legs[TO].up;

		if (!both_up || p->over || p->legs[FROM].bye_sent ||
		    p->legs[TO].bye_sent)
			continue;
		if (now > both_up + (int64_t)opt.steady_s * 1000000)
			continue;
		for (int k = 0; k < 2; k++) {
			struct leg *leg = &p->legs[k];

			if (!leg->next_us)
				leg->next_us =
					both_up + 100000 +
					(i * 2 + (unsigned)k) * 97 % TICK_US;
			for (; leg->next_us <= now; leg->next_us += TICK_US)
				send_packet(leg, now);
		}
	}
}

/* What comes to the phones --------------------------------------------------------- */

static void invited(struct pair *p, int which, const char *msg,
		    const struct sockaddr_in *peer)
{
	struct leg *leg = &p->legs[which];
	char sdp[256], more[512];
	int len;

	if (leg->invites++) {
		invites_again++;
	} else {
		leg->invite = now_us();
		leg->dialog = write_dialog(msg);
		leg->peer = *peer;
		take_sdp(leg, msg);
		if (opt.sound)
			open_rtp(p, which);
		reply(msg, peer, "180 Ringing", "Content-Length: 0\r\n\r\n");
	}
	len = snprintf(
		sdp, sizeof(sdp),
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
		"t=0 0\r\nm=audio %u RTP/AVP 8\r\n",
		opt.sound ? (unsigned)rtp_port(p, which) : 9);
	(void)snprintf(
		more, sizeof(more),
		"Contact: <sip:m@127.0.0.1:%u>\r\nContent-Type: application/sdp\r\n"
		"Content-Length: %d\r\n\r\n%s",
		opt.phone, len, sdp);
	if (!leg->ok_sent)
		leg->ok_sent = now_us();
	reply(msg, peer, "200 OK", more);
}

/* The leg that a user part names: a0000012 or b0000012. */
static struct leg *leg_of(const char *uri, struct pair **pp, int *whichp)
{
	const char *at = uri ? strstr(uri, "sip:") : NULL;
	long i;

	if (!at || (at[4] != 'a' && at[4] != 'b'))
		return NULL;
	i = strtol(at + 5, NULL, 10);
	if (i < 0 || i >= (long)issued)
		return NULL;
	*pp = &pairs[i];
	*whichp = at[4] == 'a' ? FROM : TO;
	return &pairs[i].legs[*whichp];
}

static void check_over(struct pair *p)
{
	const struct leg *a = &p->legs[FROM], *b = &p->legs[TO];

	if ((a->bye_done && b->bye_got) || (b->bye_done && a->bye_got))
		pair_over(p);
}

static void phone_message(const char *msg, const struct sockaddr_in *peer)
{
	struct pair *p = NULL;
	struct leg *leg;
	size_t len;
	int which = FROM;

	if (!strncmp(msg, "SIP/2.0 200", 11)) {
		leg = leg_of(header(msg, "\r\nFrom:", &len), &p, &which);
		if (leg && leg->bye_sent) {
			leg->bye_done = true;
			check_over(p);
		}
		return;
	}
	leg = leg_of(header(msg, "\r\nTo:", &len), &p, &which);
	if (!strncmp(msg, "INVITE ", 7) && leg) {
		invited(p, which, msg, peer);
	} else if (!strncmp(msg, "ACK ", 4) && leg) {
		if (!leg->up)
			leg->up = now_us();
	} else if (!strncmp(msg, "BYE ", 4)) {
		reply(msg, peer, "200 OK", "Content-Length: 0\r\n\r\n");
		if (leg && !leg->bye_got) {
			leg->bye_got = now_us();
			check_over(p);
		}
	} else if (!strncmp(msg, "CANCEL ", 7)) {
		reply(msg, peer, "200 OK", "Content-Length: 0\r\n\r\n");
	}
}

static void phone_ready(void)
{
	char buf[PACKET + 1];
	struct sockaddr_in peer;

	for (int turns = 64; turns--;) {
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

static void hang_up(int64_t now)
{
	const int64_t hold_us =
		opt.sound ? (int64_t)opt.steady_s * 1000000 + 1000000 :
			    (int64_t)opt.hold_ms * 1000;
	static unsigned first;

	while (first < issued && pairs[first].over)
		first++;
	for (unsigned i = first; i < issued; i++) {
		struct pair *p = &pairs[i];

		if (!p->over && p->legs[FROM].up && p->legs[TO].up &&
		    !p->legs[FROM].bye_sent && !p->legs[TO].bye_sent &&
		    p->legs[TO].up + hold_us <= now)
			send_bye(&p->legs[i & 1 ? TO : FROM]);
	}
}

/* The runs ------------------------------------------------------------------------- */

static void pump(int timeout_ms)
{
	struct epoll_event e[256];
	const int n = epoll_wait(ep, e, 256, timeout_ms);

	for (int i = 0; i < n; i++) {
		const uint32_t index = (uint32_t)e[i].data.u64;

		switch (e[i].data.u64 >> 32) {
		case KIND_HTTP:
			http_ready(index);
			break;
		case KIND_PHONE:
			phone_ready();
			break;
		default:
			rtp_ready(index);
			break;
		}
	}
}

static void print_calls(double seconds)
{
	uint64_t sent = 0, got = 0;

	for (unsigned i = 0; i < issued; i++)
		for (int k = 0; k < 2; k++) {
			sent += pairs[i].legs[k].sent;
			got += pairs[i].legs[k].got;
		}
	(void)printf(
		"{\"issued\":%u,\"created\":%u,\"refused\":%u,\"http_failed\":%u,"
		"\"over\":%u,\"invites_again\":%u,\"seconds\":%.3f,\"rate\":%.1f,"
		"\"packets_sent\":%llu,\"packets_got\":%llu,",
		issued, created, refused, http_failed, over, invites_again,
		seconds, created / seconds, (unsigned long long)sent,
		(unsigned long long)got);
	print_span("post_to_invite_ms", post_to_invite);
	print_span("first_ok_to_second_invite_ms", first_ok_to_second_invite);
	print_span("post_to_both_up_ms", post_to_both_up);
	print_span("bye_to_bye_ms", bye_to_bye);
	print_latency("packet_delay_ms", delays.us, delays.count);
	(void)printf("\"done\":true}\n");
}

static int run_calls(void)
{
	int64_t start, posted = 0, give_up = 0;

	pairs = calloc(opt.count + 1, sizeof(*pairs));
	if (!pairs)
		die("memory");
	open_phone();
	start = now_us();
	for (;;) {
		const int64_t now = now_us();

		while (issued < opt.count &&
		       start + (int64_t)(issued * 1e6 / opt.rate) <= now) {
			pairs[issued].due =
				start + (int64_t)(issued * 1e6 / opt.rate);
			issued++;
		}
		hand_out();
		hang_up(now);
		if (opt.sound)
			send_sound(now);
		if (!posted && issued == opt.count &&
		    created + refused + http_failed == issued) {
			posted = now;
			give_up =
				now +
				(int64_t)(DRAIN_S +
					  (opt.sound ? opt.steady_s + 2 : 0)) *
					1000000;
		}
		if (posted && (over >= issued || now > give_up))
			break;
		pump(1);
	}
	print_calls((double)(posted - start) / 1e6);
	return 0;
}

static int run_straight(void)
{
	const int64_t until =
		now_us() + (int64_t)opt.steady_s * 1000000 + 500000;

	pairs = calloc(opt.count + 1, sizeof(*pairs));
	if (!pairs)
		die("memory");
	opt.sound = true;
	for (; issued < opt.count; issued++) {
		struct pair *p = &pairs[issued];

		for (int k = 0; k < 2; k++) {
			open_rtp(p, k);
			p->legs[k].rtp = (struct sockaddr_in){
				.sin_family = AF_INET,
				.sin_port = htons(rtp_port(p, !k)),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			};
			p->legs[k].up = now_us();
		}
	}
	while (now_us() < until) {
		send_sound(now_us());
		pump(1);
	}
	print_calls(opt.steady_s);
	return 0;
}

static int run_flood(void)
{
	const int64_t until = now_us() + (int64_t)opt.steady_s * 1000000;

	while (now_us() < until) {
		for (unsigned i = 0; i < opt.conns; i++) {
			if (conns[i].pair != -2) {
				conns[i].pair = -2;
				get(&conns[i]);
			}
		}
		pump(10);
	}
	(void)printf("{\"answers\":%llu,\"seconds\":%u}\n",
		     (unsigned long long)answers, opt.steady_s);
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct option known[] = {
		{ "http", 1, NULL, 'h' },   { "phone", 1, NULL, 'p' },
		{ "rate", 1, NULL, 'r' },   { "count", 1, NULL, 'n' },
		{ "hold", 1, NULL, 'w' },   { "conns", 1, NULL, 'c' },
		{ "steady", 1, NULL, 's' }, { "extra", 1, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	raise_fds();
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const unsigned n = optarg ? (unsigned)atoi(optarg) : 0;

		switch (c) {
		case 'h':
			opt.http = n;
			break;
		case 'p':
			opt.phone = n;
			break;
		case 'r':
			opt.rate = atof(optarg);
			break;
		case 'n':
			opt.count = n;
			break;
		case 'w':
			opt.hold_ms = n;
			break;
		case 'c':
			opt.conns = n;
			break;
		case 's':
			opt.steady_s = n;
			break;
		case 'x':
			opt.extra = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc || opt.rate <= 0 || !opt.conns ||
	    opt.conns > CONNS_MAX) {
		(void)fputs(
			"pairs calls|sound|straight|flood [--http PORT] [--phone PORT] [--rate N] "
			"[--count N] [--hold MS] [--conns N] [--steady S] [--extra JSON]\n",
			stderr);
		return 2;
	}
	opt.sound = !strcmp(argv[optind], "sound");
	ep = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(opt.conns, sizeof(*conns));
	if (ep < 0 || !conns)
		die("epoll");
	if (!strcmp(argv[optind], "straight"))
		return run_straight();
	for (unsigned i = 0; i < opt.conns; i++)
		dial(i);
	return !strcmp(argv[optind], "flood") ? run_flood() : run_calls();
}
