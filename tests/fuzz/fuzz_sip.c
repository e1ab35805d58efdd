/* Hostile SIP: what a server may say to a call of ours, from its INVITE to its end.
 *
 * A real stack, line and session on loopback, under a clock that stands still. The
 * input is a play: up to MESSAGES_MAX datagrams, separated by RS, with bytes that
 * stand for what the far side knows (see holes). Whatever is said: the session's
 * owner is told of its end once at most and of nothing after that, what he is given
 * is text, and in the end nobody is left.
 *
 * Beside that each datagram is looked at by the guard, as one and as a stream: the
 * two agree, and what passes means to the guard what it means to libre. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <re.h>

#include "sip/address.h"
#include "sip/cause.h"
#include "sip/libre/tmr_heap.h"
#include "sip/line.h"
#include "sip/session.h"
#include "sip/stack_guard.h"
#include "tests/fuzz/fuzz.h"

enum {
	MESSAGES_MAX = 8,
	RS = 0x1e,
	STEPS = 4,        /* turns of the loop after each datagram */
	SWEEP_EVERY = 256 /* inputs: then 64*T1 pass */
};

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
			  "c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			  "m=audio 9 RTP/AVP 8\r\n";

static struct {
	struct gw_stack *stack;
	struct gw_line *line;
	struct udp_sock *far;
	struct sa far_addr, near_addr;
	char far_uri[64];

	/* of the last request that came */
	char method[16];
	struct mbuf *holes[8]; /* what byte n + 1 stands for */

	/* of this play */
	struct gw_line_way_req *way;
	struct gw_session *session;
	struct mbuf *offer;
	bool over, ending;
	unsigned inputs;
} world;

/* The loop ------------------------------------------------------------------- */

static int bell = -1;

static void rung(int flags, void *arg)
{
	uint64_t count;
	(void)flags;
	(void)arg;

	ENSURE(read(bell, &count, sizeof(count)) == sizeof(count));
	re_cancel();
}

/* One turn: what has come is read, what is due is done. Nothing is waited for. */
static void turn(unsigned times)
{
	const uint64_t one = 1;

	while (times--) {
		ENSURE(write(bell, &one, sizeof(one)) == sizeof(one));
		ENSURE(!re_main(NULL));
	}
}

/* The far side --------------------------------------------------------------- */

enum hole { VIA, FROM, TO, CALL_ID, CSEQ, OUR_TAG, FAR, NEAR };

static void fill(enum hole hole, const char *p, size_t len)
{
	struct mbuf *mb = world.holes[hole];

	mbuf_rewind(mb);
	ENSURE(!mbuf_write_mem(mb, (const uint8_t *)p, len));
}

/* The play is over: whoever still asks is told yes, so that he goes. */
static void says_yes(const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(512);

	ENSURE(mb);
	ENSURE(!mbuf_printf(mb,
			    "SIP/2.0 200 OK\r\nVia: %r\r\nFrom: %r\r\n"
			    "To: %r\r\nCall-ID: %r\r\nCSeq: %u %r\r\n"
			    "Content-Length: 0\r\n\r\n",
			    &msg->via.val, &msg->from.val, &msg->to.val,
			    &msg->callid, msg->cseq.num, &msg->met));
	mb->pos = 0;
	(void)udp_send(world.far, &world.near_addr, mb);
	mem_deref(mb);
}

static void far_hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct sip_msg *msg;
	char cseq[16];
	(void)arg;

	if (sip_msg_decode(&msg, mb))
		return;

	world.near_addr = *src;
	if (msg->req && world.ending && pl_strcmp(&msg->met, "ACK"))
		says_yes(msg);
	if (msg->req) {
		(void)pl_strcpy(&msg->met, world.method, sizeof(world.method));
		(void)re_snprintf(cseq, sizeof(cseq), "%u", msg->cseq.num);
		fill(VIA, msg->via.val.p, msg->via.val.l);
		fill(FROM, msg->from.val.p, msg->from.val.l);
		fill(TO, msg->to.val.p, msg->to.val.l);
		fill(CALL_ID, msg->callid.p, msg->callid.l);
		fill(CSEQ, cseq, strlen(cseq));
		fill(OUR_TAG, msg->from.tag.p, msg->from.tag.l);
	}
	mem_deref(msg);
}

static void far_says(const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size + 256);

	ENSURE(mb);
	for (size_t i = 0; i < size; i++) {
		if (data[i] && data[i] <= ARRAY_SIZE(world.holes))
			ENSURE(!mbuf_write_mem(mb,
					       world.holes[data[i] - 1]->buf,
					       world.holes[data[i] - 1]->end));
		else
			ENSURE(!mbuf_write_u8(mb, data[i]));
	}

	mb->pos = 0;
	(void)udp_send(world.far, &world.near_addr, mb);
	mem_deref(mb);
	turn(STEPS);
}

/* Our side -------------------------------------------------------------------- */

static void check_text(const char *text)
{
	for (; text && *text; text++)
		ENSURE((unsigned char)*text >= ' ' || strchr("\t\r\n", *text));
}

static void check_body(const struct sip_msg *msg)
{
	struct pl body;

	gw_session_body(&body, msg);
	ENSURE(body.l <= mbuf_get_left(msg->mb));
	ENSURE(!world.over);
}

static void on_progress(const struct sip_msg *msg, void *arg)
{
	(void)arg;
	check_body(msg);
}

static int on_offered(struct mbuf **bodyp, const struct sip_msg *msg, void *arg)
{
	(void)arg;
	check_body(msg);
	*bodyp = mem_ref(world.offer);
	return 0;
}

static void on_changed(const struct sip_msg *msg, uint16_t code, int err,
		       void *arg)
{
	(void)code;
	(void)err;
	(void)arg;
	if (msg)
		check_body(msg);
}

static void on_referring(const struct gw_session_transfer *news, void *arg)
{
	(void)arg;
	ENSURE(!world.over);
	ENSURE(!news->code || (news->code >= 100 && news->code <= 699));
}

static uint16_t on_referred(const char *target, const char *replaces, void *arg)
{
	const struct gw_dial_rules rules = { .domain = "127.0.0.1" };
	struct gw_address addr;
	(void)arg;

	ENSURE(!world.over && target[0]);
	ENSURE(strlen(target) <= 512);
	ENSURE(!replaces || strlen(replaces) <= 512);
	return gw_address_parse(&addr, target, &rules, NULL) ? 403 : 202;
}

static void on_digit(char digit, uint32_t duration_ms, void *arg)
{
	(void)arg;
	ENSURE(!world.over && strchr("0123456789*#ABCD", digit));
	ENSURE(duration_ms < 100000);
}

static void on_closed(void *arg)
{
	const struct gw_session_facts *facts = gw_session_facts(world.session);
	const struct gw_end end = {
		.answered = facts->answered,
		.ringing = facts->ringing,
		.provisional = facts->provisional,
		.sip_code = facts->sip_code,
		.reason_header = facts->reason_header,
		.retry_after = facts->retry_after,
		.err = facts->err,
	};
	(void)arg;

	ENSURE(!world.over);
	world.over = true;
	check_text(facts->sip_reason);
	check_text(facts->reason_header);
	check_text(facts->contact);
	ENSURE(facts->sip_code == 0 ||
	       (facts->sip_code >= 100 && facts->sip_code <= 699));
	ENSURE(gw_cause_name(gw_cause_outcome(&end).cause) || facts->err);
	gw_session_release(world.session, 16, "over");
	world.session = NULL;
}

static const struct gw_session_h handlers = {
	.progress = on_progress,
	.answered = on_progress,
	.offered = on_offered,
	.agreed = on_progress,
	.changed = on_changed,
	.referring = on_referring,
	.referred = on_referred,
	.digit = on_digit,
	.closed = on_closed,
};

static void way_ready(int err, const struct gw_line_way *way, void *arg)
{
	/* libre's hash reads whole words: some room behind it */
	static const char from_uri[64] = "sip:858@127.0.0.1";
	const struct gw_session_cfg cfg = {
		.line = world.line,
		.way = way,
		.to_uri = world.far_uri,
		.from_uri = from_uri,
		.from_name = "Fuzz",
	};
	(void)arg;

	world.way = NULL;
	ENSURE(!err &&
	       !gw_session_alloc(&world.session, &cfg, &handlers, NULL));
	ENSURE(!gw_session_invite(world.session, NULL, world.offer));
}

static void begin(void)
{
	world.over = world.ending = false;
	world.method[0] = '\0';
	ENSURE(!gw_line_way(&world.way, world.line, world.far_uri, way_ready,
			    NULL));
	for (int i = 0; i < 10 && strcmp(world.method, "INVITE"); i++)
		turn(1);
	ENSURE(!strcmp(world.method, "INVITE"));
}

/* Half of the plays see a change and a REFER of ours, too. */
static void act(unsigned scene)
{
	if (!world.session)
		return;

	if (scene == 1)
		(void)gw_session_reinvite(world.session, world.offer);
	else if (scene == 2)
		(void)gw_session_refer(world.session, "sip:9@127.0.0.1", NULL);
	else if (scene == 3)
		(void)gw_session_digit(world.session, '5', 100);
	turn(1);
}

static void end(void)
{
	if (world.session) {
		gw_session_release(world.session, 16, "over");
		world.session = NULL;
	}
	world.over = true;
	world.ending = true;
	turn(STEPS);

	if (++world.inputs % SWEEP_EVERY == 0)
		ENSURE(!gw_tmr_test_advance(100 * 1000));
}

/* The guard -------------------------------------------------------------------- */

static void check_guard(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct gw_guard_facts facts, streamed;
	enum gw_guard_verdict one, stream;
	struct sip_msg *msg;
	struct mbuf *mb;

	one = gw_guard_look(&facts, text, size, false);
	stream = gw_guard_look(&streamed, text, size, true);
	ENSURE(one != GW_GUARD_MORE);
	ENSURE(stream != GW_GUARD_PASS || one == GW_GUARD_PASS);
	ENSURE(stream != GW_GUARD_DROP || one == GW_GUARD_DROP);
	if (stream != GW_GUARD_PASS)
		return;

	mb = mbuf_alloc(size);
	ENSURE(mb && !mbuf_write_mem(mb, data, size));
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb)) {
		ENSURE(msg->req == facts.is_request);
		ENSURE(msg->callid.l == facts.call_id.l);
		ENSURE(!msg->callid.l || !pl_cmp(&msg->callid, &facts.call_id));
		ENSURE(pl_u32(&msg->clen) <= mbuf_get_left(mb));
		mem_deref(msg);
	}
	mem_deref(mb);
}

/* The whole -------------------------------------------------------------------- */

static void open_world(void)
{
	const struct gw_stack_listen listen = { GW_TRANSPORT_UDP, "127.0.0.1",
						0 };
	const struct gw_stack_cfg stack = { .listen = &listen,
					    .listen_count = 1,
					    .user_agent = "Bellpull/fuzz" };
	struct gw_line_cfg line = { .name = "fuzz",
				    .user = "858",
				    .password = "858",
				    .domain = "127.0.0.1" };

	ENSURE(!libre_init());
	bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ENSURE(bell >= 0 && !fd_listen(bell, FD_READ, rung, NULL));
	gw_tmr_test_clock_start();
	for (size_t i = 0; i < ARRAY_SIZE(world.holes); i++)
		ENSURE((world.holes[i] = mbuf_alloc(256)));
	ENSURE((world.offer = mbuf_alloc(256)));
	ENSURE(!mbuf_write_str(world.offer, sdp));

	ENSURE(!sa_set_str(&world.far_addr, "127.0.0.1", 0));
	ENSURE(!udp_listen(&world.far, &world.far_addr, far_hears, NULL));
	ENSURE(!udp_local_get(world.far, &world.far_addr));
	ENSURE(re_snprintf(world.far_uri, sizeof(world.far_uri), "sip:1@%J",
			   &world.far_addr) > 0);
	ENSURE(!gw_stack_alloc(&world.stack, &stack));
	line.port = sa_port(&world.far_addr);
	ENSURE(!gw_line_alloc(&world.line, world.stack, &line, NULL, NULL));
	fill(FAR, world.far_uri + 6, strlen(world.far_uri + 6));
	fill(NEAR, "127.0.0.1", 9);
}

/* Between sweeps there is always somebody who waits for a straggler: leaks are looked
 * for at the end. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *args[64], option[] = "-detect_leaks=0";
	const int n = *argc;

	ENSURE(n + 2 <= (int)ARRAY_SIZE(args));
	memcpy(args, *argv, (size_t)n * sizeof(*args));
	args[n] = option;
	args[n + 1] = NULL;
	*argv = args;
	*argc = n + 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data + 1, *stop = data + size;

	if (!world.stack)
		open_world();
	if (size < 1)
		return 0;

	begin();
	for (int i = 0; i < MESSAGES_MAX && p < stop; i++) {
		const uint8_t *rs = memchr(p, RS, (size_t)(stop - p));
		const size_t len = (size_t)((rs ? rs : stop) - p);

		check_guard(p, len);
		far_says(p, len);
		if (i == 1)
			act(data[0] & 3);
		p += len + 1;
	}
	end();
	return 0;
}
