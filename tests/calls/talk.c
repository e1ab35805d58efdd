/* The session of talk.h. */
#include "tests/calls/talk.h"

struct talk talk;

static void say(const char *fmt, ...)
{
	const size_t used = strlen(talk.log);
	va_list ap;

	va_start(ap, fmt);
	if (used)
		talk.log[used] = ' ';
	(void)re_vsnprintf(talk.log + used + (used ? 1 : 0),
			   sizeof(talk.log) - used - 1, fmt, ap);
	va_end(ap);
}

static void on_progress(const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
}

static void on_answered(const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	say("answered");
}

static int on_offered(struct mbuf **bodyp, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	say("offered");
	*bodyp = mem_ref(talk.offer);
	return 0;
}

static void on_agreed(const struct sip_msg *ack, void *arg)
{
	(void)ack;
	(void)arg;
}

static void on_changed(const struct sip_msg *msg, uint16_t code, int err,
		       void *arg)
{
	struct pl body = PL_INIT;
	(void)arg;

	if (msg)
		gw_session_body(&body, msg);
	say("changed:%u%s%s", code, err ? "!" : "", body.l ? "+sdp" : "");
	if (talk.releases_at_change)
		talk_release();
}

static int on_reoffer(struct mbuf **offerp, void *arg)
{
	(void)arg;
	say("reoffer");
	if (talk.reoffer_err)
		return talk.reoffer_err;
	*offerp = mbuf_alloc(256);
	return *offerp ? mbuf_write_str(*offerp, SDP_HOLD) : ENOMEM;
}

static void on_refreshed(const struct sip_msg *msg, void *arg)
{
	(void)arg;
	say("refreshed:%u", msg->scode);
}

static void on_referring(const struct gw_session_transfer *news, void *arg)
{
	(void)arg;
	say("refer:%u%s%s%s", news->code, news->accepted ? "a" : "",
	    news->over ? "o" : "", news->err ? "!" : "");
}

static uint16_t on_referred(const char *target, const char *replaces, void *arg)
{
	(void)arg;
	say("referred");
	str_ncpy(talk.target, target, sizeof(talk.target));
	str_ncpy(talk.replaces, replaces ? replaces : "",
		 sizeof(talk.replaces));
	return talk.referred_code;
}

static void on_digit(char digit, uint32_t duration_ms, void *arg)
{
	(void)arg;
	say("digit:%c/%u", digit, duration_ms);
}

static void on_closed(void *arg)
{
	const struct gw_session_facts *facts = gw_session_facts(talk.session);
	(void)arg;

	say("closed:%u%s", facts->sip_code, facts->err ? "!" : "");
	gw_session_release(talk.session, 0, NULL);
	talk.session = NULL;
}

static const struct gw_session_h all_handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.offered = on_offered,
	.agreed = on_agreed,
	.changed = on_changed,
	.refreshed = on_refreshed,
	.reoffer = on_reoffer,
	.referring = on_referring,
	.referred = on_referred,
	.digit = on_digit,
	.closed = on_closed,
};

void talk_release(void)
{
	gw_session_release(talk.session, 16, "over");
	talk.session = NULL;
}

static void talk_close(void *arg)
{
	(void)arg;
	talk.way = mem_deref(talk.way);
	talk_release();
	talk.offer = mem_deref(talk.offer);
}

/* libre's hash reads whole words, so a string has to have some room behind it. */
static const char from_uri[64] = "sip:858@127.0.0.1";

static void way_ready(int err, const struct gw_line_way *way, void *arg)
{
	const struct gw_session_cfg cfg = {
		.line = talk.w->line,
		.way = way,
		.to_uri = talk.w->to.uri,
		.from_uri = from_uri,
	};
	(void)arg;

	talk.way = NULL;
	talk.err = err ? err :
			 gw_session_alloc(&talk.session, &cfg, &talk.h, NULL);
	if (!talk.err)
		talk.err = gw_session_invite(talk.session, NULL, talk.offer);
}

static bool word_is_there(void *arg)
{
	const char *word = arg;
	const char *p = strstr(talk.log, word);

	return talk.err || (p && strchr(" ", p[strlen(word)]));
}

int talk_until(const char *words)
{
	const int err =
		test_run_until(word_is_there, (void *)(uintptr_t)words, 3000);

	return talk.err ? talk.err : err;
}

static int open_answered(struct world **wp, const char *headers)
{
	static struct answer script[2];

	memset(&talk, 0, sizeof(talk));
	talk.h = all_handlers;
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(talk_close, NULL);
	talk.w = *wp;
	talk.offer = mbuf_alloc(256);
	CHECK(talk.offer);
	CHECK_OK(mbuf_write_str(talk.offer, SDP_PCMA));
	script[0] = (struct answer){ .code = 180 };
	script[1] = (struct answer){ .code = 200,
				     .headers = headers,
				     .sdp = SDP_PCMA };
	(*wp)->to.script = script;
	(*wp)->to.script_count = ARRAY_SIZE(script);
	CHECK_OK(gw_line_way(&talk.way, (*wp)->line, (*wp)->to.uri, way_ready,
			     NULL));
	CHECK_OK(talk_until("answered"));
	CHECK_OK(world_until_phone(*wp, "ACK"));
	(*wp)->to.log[0] = '\0';
	talk.log[0] = '\0';
	return 0;
}

int talk_open(struct world **wp)
{
	return open_answered(wp, NULL);
}

static void without_timer(void *arg)
{
	(void)arg;
	world_session_expires_s = 0;
}

int talk_open_timed(struct world **wp, const char *headers)
{
	test_later(without_timer, NULL);
	world_session_expires_s = 180;
	CHECK_OK(open_answered(wp, headers));
	gw_tmr_test_clock_start();
	return 0;
}
