/* The third meter of `make bench`: browsers that call phones. It asks for the calls at
 * a steady rate, is all of their browsers (ICE, DTLS and SRTP by libre, as in the unit
 * tests) and all of their phones, and has one clock for all.
 *
 *   browsers --http PORT --phone PORT [--rate N] [--count N] [--steady S]
 *
 * A phone answers at once and sends back what it hears. Each browser says a packet of
 * PCMA every 20 ms from the moment on that it is connected; --steady seconds after the
 * last POST they all hang up. Out comes one line of JSON. Loopback only; it ends by
 * itself. */
#include <getopt.h>
#include <stddef.h>

#include <re.h>

#define METER "browsers"
#include "shared.h"
#include "tests/unit/web_client.h"

enum {
	OFFER_MAX = 4096,
	ANSWER_MAX = 32768,
	PCMA = 8,
	FRAME = 160,
	FRAME_US = 20000,
	NOTE = 0x2a, /* what a browser says, and no gateway */
	BYE_MS = 1500,
};

static struct {
	unsigned http, phone, count, steady_s;
	double rate;
} opt = { .http = 8080,
	  .phone = 15080,
	  .count = 100,
	  .steady_s = 10,
	  .rate = 20 };

struct call {
	struct web_client web;
	int fd; /* of its POST; -1: over */
	char *text;
	size_t len;
	int64_t posted, created, connected, heard, echoed, next_us;
	unsigned sent, got;
};

static struct call *calls;
static struct tls *tls;
static struct udp_sock *sip, *rtp;
static struct sa rtp_at;
static struct tmr beat;
static unsigned issued, refused, phones;
static int64_t began, last_post;

/* Phones ---------------------------------------------------------------------- */

static void on_rtp(const struct sa *src, struct mbuf *mb, void *arg)
{
	(void)arg;
	(void)udp_send(rtp, src, mb);
}

static void reply_sip(const struct sa *to, const char *msg, const char *more)
{
	char text[PACKET];
	const int n = write_reply(text, sizeof(text), msg, "200 OK", more);
	struct mbuf mb = { .buf = (uint8_t *)text,
			   .size = sizeof(text),
			   .end = (size_t)n };

	if (n)
		(void)udp_send(sip, to, &mb);
}

static void on_sip(const struct sa *src, struct mbuf *mb, void *arg)
{
	char msg[PACKET], sdp[256], more[512];
	const size_t len = MIN(mbuf_get_left(mb), sizeof(msg) - 1);
	(void)arg;

	memcpy(msg, mbuf_buf(mb), len);
	msg[len] = '\0';
	if (!strncmp(msg, "BYE ", 4))
		reply_sip(src, msg, "Content-Length: 0\r\n\r\n");
	if (strncmp(msg, "INVITE ", 7) != 0)
		return;

	phones++;
	(void)snprintf(sdp, sizeof(sdp),
		       "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		       "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		       "m=audio %u RTP/AVP 8\r\n",
		       sa_port(&rtp_at));
	(void)snprintf(more, sizeof(more),
		       "Contact: <sip:phone@127.0.0.1:%u>\r\n"
		       "Content-Type: application/sdp\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       opt.phone, strlen(sdp), sdp);
	reply_sip(src, msg, more);
}

/* Browsers -------------------------------------------------------------------- */

static void on_web(struct web_client *web, void *arg)
{
	struct call *call = arg;

	if (web->connected && !call->connected)
		call->connected = call->next_us = now_us();
	if (!web->packets || web->packets == call->got)
		return;

	call->got = web->packets;
	if (!call->heard)
		call->heard = now_us();
	if (!call->echoed && web->pt == PCMA && web->payload_len == FRAME &&
	    web->payload[7] == NOTE)
		call->echoed = now_us();
}

/* "sdp":"..." of the reply, unescaped in its place. */
static char *answer_of(char *json)
{
	char *at = strstr(json, "\"webrtc\":{\"sdp\":\""), *out;

	if (!at)
		return NULL;
	at = out = at + strlen("\"webrtc\":{\"sdp\":\"");
	for (char *in = at; *in && *in != '"'; in++) {
		if (*in == '\\') {
			in++;
			*out++ = *in == 'r' ? '\r' : *in == 'n' ? '\n' : *in;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return at;
}

static void close_post(struct call *call)
{
	fd_close(call->fd);
	(void)close(call->fd);
	call->fd = -1;
	free(call->text);
	call->text = NULL;
}

static void on_http(int flags, void *arg)
{
	struct call *call = arg;
	const ssize_t n = read(call->fd, call->text + call->len,
			       ANSWER_MAX - call->len - 1);
	int status = 0;
	bool close_it;
	char *sdp;
	(void)flags;

	if (n > 0) {
		call->len += (size_t)n;
		if (!read_answer(call->text, call->len, &status, &close_it))
			return;
	}

	sdp = status == 201 ? answer_of(call->text) : NULL;
	if (sdp && !web_client_answer(&call->web, sdp))
		call->created = now_us();
	else
		refused++;
	close_post(call);
}

static int write_post(char *text, size_t size, const struct web_client *web)
{
	struct mbuf *mb = mbuf_alloc(OFFER_MAX);
	char body[OFFER_MAX];
	int n;

	if (!mb || web_client_offer(mb, web, "8") || mbuf_write_u8(mb, 0))
		die("offer");
	n = snprintf(body, sizeof(body),
		     "{\"to\":\"%u\",\"from\":{\"webrtc\":{\"sdp\":\"",
		     1000 + issued);
	for (const char *p = (char *)mb->buf; *p; p++)
		n += snprintf(body + n, sizeof(body) - (size_t)n,
			      *p == '\r' ? "\\r" :
			      *p == '\n' ? "\\n" :
					   "%c",
			      *p);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "\"}}}");
	mem_deref(mb);
	return snprintf(text, size,
			"POST /calls HTTP/1.1\r\nHost: 127.0.0.1\r\n"
			"Content-Type: application/json\r\n"
			"Content-Length: %d\r\n\r\n%s",
			n, body);
}

static void post(struct call *call)
{
	char text[OFFER_MAX + 512];
	int n;

	if (web_client_open(&call->web, tls))
		die("web_client_open");
	call->web.h = on_web;
	call->web.arg = call;
	n = write_post(text, sizeof(text), &call->web);
	call->text = malloc(ANSWER_MAX);
	call->posted = last_post = now_us();
	call->fd = dial_http(opt.http, 0);
	if (!call->text || write(call->fd, text, (size_t)n) != n ||
	    fd_listen(call->fd, FD_READ, on_http, call))
		die("post");
}

/* Time ------------------------------------------------------------------------ */

static void speak(struct call *call, int64_t now)
{
	uint8_t frame[FRAME];

	if (!call->connected)
		return;
	memset(frame, NOTE, sizeof(frame));
	while (now >= call->next_us) {
		call->next_us += FRAME_US;
		if (!web_client_says(&call->web, PCMA, frame, FRAME, FRAME))
			call->sent++;
	}
}

static void hang_up(void)
{
	for (unsigned i = 0; i < issued; i++)
		web_client_close(&calls[i].web);
}

static void on_end(void *arg)
{
	(void)arg;
	re_cancel();
}

static void on_beat(void *arg)
{
	const int64_t now = now_us();
	(void)arg;

	while (issued < opt.count &&
	       now - began >= (int64_t)(issued * 1e6 / opt.rate))
		post(&calls[issued++]);
	for (unsigned i = 0; i < issued; i++)
		speak(&calls[i], now);

	if (issued == opt.count &&
	    now - last_post > (int64_t)opt.steady_s * 1000000) {
		hang_up();
		tmr_start(&beat, BYE_MS, on_end, NULL);
	} else {
		tmr_start(&beat, 2, on_beat, NULL);
	}
}

/* Results --------------------------------------------------------------------- */

static void print_span(const char *name, size_t moment)
{
	int64_t *us = calloc(opt.count, sizeof(*us));
	size_t n = 0;

	if (!us)
		die("memory");
	for (unsigned i = 0; i < issued; i++) {
		const int64_t at =
			*(int64_t *)(void *)((char *)&calls[i] + moment);

		if (at)
			us[n++] = at - calls[i].posted;
	}
	print_latency(name, us, n);
	free(us);
}

static void print_all(void)
{
	unsigned long sent = 0, got = 0, broken = 0, reports = 0;

	for (unsigned i = 0; i < issued; i++) {
		sent += calls[i].sent;
		got += calls[i].web.packets;
		broken += calls[i].web.broken;
		reports += calls[i].web.reports;
	}
	(void)printf("{");
	print_span("post_to_201_ms", offsetof(struct call, created));
	print_span("post_to_connected_ms", offsetof(struct call, connected));
	print_span("post_to_first_packet_ms", offsetof(struct call, heard));
	print_span("post_to_far_sound_ms", offsetof(struct call, echoed));
	(void)printf("\"refused\":%u,\"phones\":%u,\"sent\":%lu,\"got\":%lu,"
		     "\"broken\":%lu,\"reports\":%lu}\n",
		     refused, phones, sent, got, broken, reports);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "http", required_argument, NULL, 'h' },
		{ "phone", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'c' },
		{ "steady", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (o == '?')
			exit(2);
		if (o == 'r')
			opt.rate = atof(optarg);
		else
			*(o == 'h' ? &opt.http :
			  o == 'p' ? &opt.phone :
			  o == 'c' ? &opt.count :
				     &opt.steady_s) = (unsigned)atoi(optarg);
	}
}

int main(int argc, char **argv)
{
	struct sa at;

	read_options(argc, argv);
	raise_fds();
	calls = calloc(opt.count, sizeof(*calls));
	if (!calls || libre_init() || fd_setsize(4096) || web_tls(&tls) ||
	    sa_set_str(&at, "127.0.0.1", (uint16_t)opt.phone) ||
	    udp_listen(&sip, &at, on_sip, NULL))
		die("start");
	sa_set_port(&at, 0);
	if (udp_listen(&rtp, &at, on_rtp, NULL) ||
	    udp_local_get(rtp, &rtp_at) || udp_sockbuf_set(rtp, 1 << 20) ||
	    udp_sockbuf_set(sip, 1 << 20))
		die("start");

	began = now_us();
	tmr_start(&beat, 0, on_beat, NULL);
	(void)re_main(NULL);
	print_all();
	return 0;
}
