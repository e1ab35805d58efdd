/* The state of being registered.
 *
 *                 start               granted
 *   UNREGISTERED ───────► REGISTERING ───────► REGISTERED
 *        ▲                 │                       │  ▲
 *        │ gone     refused│                       │  │ granted
 *        │                 ▼                       │  │
 *   UNREGISTERING ◄────── FAILED ◄──── refused ────┘  │
 *                 stop     └──────────────────────────┘
 *                 (of any)
 *
 * A refresh that is due leaves REGISTERED as it is, so that calls go on. So does
 * a connection (TCP, TLS) that breaks: what the registrar granted holds until it
 * expires, and the next request connects by itself. We register again at once,
 * but a server that hangs up each time is let wait, longer and longer: it must
 * not be asked twice a second. Only when it refuses has the line failed.
 *
 * A line that has failed stays so while it tries again: calls wait for one that
 * is registering, and behind a dead PBX they would wait at each try.
 *
 * When to try again (RFC 5626 4.5): 30 s, doubled for each failure up to 30
 * minutes, less up to half of it by chance, so that a thousand gateways do not
 * come back in the same second. Retry-After is the least we wait; who was told
 * 401, 403 or 404 waits longer, because only a person can cure that. */
#include <string.h>

#include "sip/line_exchange.h"

enum {
	REFRESH_PERCENT = 90,
	BACKOFF_BASE_S = 30,
	BACKOFF_MAX_S = 1800,
	REFUSED_MIN_S = 300,  /* 401, 403, 404: slowly */
	STOOD_MS = 60 * 1000, /* what lived this long was real */
	LOST_BASE_S = 5,      /* between connections that break */
	LOST_DOUBLINGS_MAX = 5,
	PING_MS = 25 * 1000, /* keeps NAT bindings open */
	STOP_MS = 4000,
	NO_PING_S = 1000000, /* libre's own pings drop peers that don't pong */
};

enum input {
	IN_START,
	IN_DUE,     /* time to register or to refresh */
	IN_GRANTED, /* 2xx with time */
	IN_REFUSED, /* any other end */
	IN_LOST,    /* the connection broke */
	IN_STOP,
	IN_GONE, /* unregistered, or nobody cares any more */
};

enum {
	DO_ASK = 1 << 0,      /* REGISTER */
	DO_REFRESH = 1 << 1,  /* timer for the refresh, keep-alive */
	DO_BACK_OFF = 1 << 2, /* timer for the next try */
	DO_REPAIR = 1 << 3,   /* timer for REGISTER on a new connection */
	DO_LEAVE = 1 << 4,    /* REGISTER with expires=0 */
	DO_TELL = 1 << 5,
};

/* Pairs that are not listed are late news and change nothing. */
static const struct rule {
	enum gw_line_state from;
	enum input in;
	enum gw_line_state to;
	unsigned todo;
} rules[] = {
	/* clang-format off */
	{ GW_LINE_UNREGISTERED,  IN_START,   GW_LINE_REGISTERING,   DO_ASK | DO_TELL },
	{ GW_LINE_UNREGISTERED,  IN_STOP,    GW_LINE_UNREGISTERED,  DO_TELL },
	{ GW_LINE_REGISTERING,   IN_GRANTED, GW_LINE_REGISTERED,    DO_REFRESH | DO_TELL },
	{ GW_LINE_REGISTERING,   IN_REFUSED, GW_LINE_FAILED,        DO_BACK_OFF | DO_TELL },
	{ GW_LINE_REGISTERING,   IN_STOP,    GW_LINE_UNREGISTERING, DO_LEAVE | DO_TELL },
	{ GW_LINE_REGISTERED,    IN_DUE,     GW_LINE_REGISTERED,    DO_ASK },
	{ GW_LINE_REGISTERED,    IN_GRANTED, GW_LINE_REGISTERED,    DO_REFRESH },
	{ GW_LINE_REGISTERED,    IN_REFUSED, GW_LINE_FAILED,        DO_BACK_OFF | DO_TELL },
	{ GW_LINE_REGISTERED,    IN_LOST,    GW_LINE_REGISTERED,    DO_REPAIR },
	{ GW_LINE_REGISTERED,    IN_STOP,    GW_LINE_UNREGISTERING, DO_LEAVE | DO_TELL },
	{ GW_LINE_FAILED,        IN_DUE,     GW_LINE_FAILED,        DO_ASK },
	{ GW_LINE_FAILED,        IN_GRANTED, GW_LINE_REGISTERED,    DO_REFRESH | DO_TELL },
	{ GW_LINE_FAILED,        IN_REFUSED, GW_LINE_FAILED,        DO_BACK_OFF | DO_TELL },
	{ GW_LINE_FAILED,        IN_STOP,    GW_LINE_UNREGISTERING, DO_LEAVE | DO_TELL },
	{ GW_LINE_UNREGISTERING, IN_GONE,    GW_LINE_UNREGISTERED,  DO_TELL },
	/* clang-format on */
};

struct gw_line_wait {
	struct le le;
	gw_line_wait_h *h;
	void *arg;
};

struct gw_line_registration {
	struct gw_line *line;
	struct gw_line_exchange *exchange;
	struct sip_keepalive *connection; /* tells when it breaks */
	struct list waits;
	struct tmr next; /* due, or the end of our patience at stop */
	struct tmr ping;
	uint64_t since; /* jiffies; registered without a break; 0: not */
	uint32_t failures;
	uint32_t losses; /* connections that broke soon, one after another */
	uint64_t calm_since; /* jiffies; the last REGISTER for a lost one */
	bool repairs;        /* ... is not answered yet */
	int err;             /* why the last question could not even be put */
	uint32_t floor_s;    /* the next try is not before */
	struct sip *sip;     /* what the last answer came through ... */
	struct sa peer;      /* ... and from where: pings go there */
	enum sip_transp tp;
};

static void feed(struct gw_line_registration *reg, enum input in);

/* Was the registration a real one, or one of a server that comes and goes? */
static bool stood(const struct gw_line_registration *reg)
{
	return reg->since && tmr_jiffies() - reg->since >= STOOD_MS;
}

/* -------------------------------------------------------------- keep-alive */

static void ping(void *arg)
{
	struct gw_line_registration *reg = arg;
	struct mbuf *mb = mbuf_alloc(4);

	/* RFC 5626 3.5.1 on TCP; on UDP SIP servers skip blank datagrams. A
	 * connection that is gone tells it in another way. */
	if (mb && !mbuf_write_str(mb, "\r\n\r\n")) {
		mb->pos = 0;
		(void)sip_send(reg->sip, NULL, reg->tp, &reg->peer, mb);
	}
	mem_deref(mb);

	tmr_start(&reg->ping, PING_MS, ping, reg);
}

static void connection_lost(int err, void *arg)
{
	struct gw_line_registration *reg = arg;
	(void)err;

	tmr_cancel(&reg->ping);
	if (!reg->exchange)
		feed(reg, IN_LOST); /* the exchange would tell, too */
}

static void keep_alive(struct gw_line_registration *reg,
		       const struct gw_line_answer *answer)
{
	reg->sip = answer->sip;
	reg->peer = answer->msg->src;
	reg->tp = answer->msg->tp;

	reg->connection = mem_deref(reg->connection);
	if (reg->tp != SIP_TRANSP_UDP)
		(void)sip_keepalive_start(&reg->connection, reg->sip,
					  answer->msg, NO_PING_S,
					  connection_lost, reg);

	if (reg->line->cfg.nat_auto)
		tmr_start(&reg->ping, PING_MS, ping, reg);
}

/* ---------------------------------------------------------------- schedule */

static void due(void *arg)
{
	feed(arg, IN_DUE);
}

static void start_next(struct gw_line_registration *reg, uint64_t delay_ms)
{
	reg->line->next_try_ms = gw_line_wall_ms() + (int64_t)delay_ms;
	tmr_start(&reg->next, delay_ms, due, reg);
}

static void schedule_refresh(struct gw_line_registration *reg)
{
	struct gw_line *line = reg->line;
	uint64_t granted_ms = (uint64_t)line->expires_s * 1000;

	start_next(reg, granted_ms * REFRESH_PERCENT / 100 -
				granted_ms * (rand_u16() % 1000) / 50000);
}

/* At once, unless the one before broke soon; and before the binding expires. */
static void schedule_repair(struct gw_line_registration *reg)
{
	const uint64_t now = tmr_jiffies();
	const int64_t left_ms = max(
		reg->line->registered_until_ms - gw_line_wall_ms(), INT64_C(0));
	uint64_t wait_ms = 0;

	if (now >= reg->calm_since + STOOD_MS)
		reg->losses = 0;
	if (reg->losses)
		wait_ms = (LOST_BASE_S * UINT64_C(1000))
			  << min(reg->losses - 1, (uint32_t)LOST_DOUBLINGS_MAX);
	wait_ms = min(wait_ms, (uint64_t)left_ms * REFRESH_PERCENT / 100);

	++reg->losses;
	reg->calm_since = now + wait_ms;
	reg->repairs = true;
	start_next(reg, wait_ms);
}

static void schedule_retry(struct gw_line_registration *reg)
{
	uint32_t wait_s;
	uint64_t wait_ms;

	if (stood(reg))
		reg->failures = 0;
	reg->since = 0;

	wait_s = BACKOFF_BASE_S << min(reg->failures, 6U);
	++reg->failures;
	wait_s = min(wait_s, (uint32_t)BACKOFF_MAX_S);
	wait_ms = (uint64_t)wait_s * (500 + rand_u16() % 501);
	wait_ms = max(wait_ms, (uint64_t)reg->floor_s * 1000);

	reg->line->registered_until_ms = 0;
	tmr_cancel(&reg->ping);
	start_next(reg, wait_ms);
}

static uint32_t least_wait(const struct gw_line_answer *answer)
{
	switch (answer->code) {
	case 401:
	case 403:
	case 404:
	case 407:
		return max(answer->retry_after_s, (uint32_t)REFUSED_MIN_S);
	default:
		return answer->retry_after_s;
	}
}

/* ---------------------------------------------------------------- exchange */

static void note(struct gw_line *line, const struct gw_line_answer *answer)
{
	line->last_code = answer->code;
	str_ncpy(line->last_reason, answer->reason, sizeof(line->last_reason));
	if (answer->server[0])
		str_ncpy(line->server, answer->server, sizeof(line->server));
	if (answer->min_expires_s)
		line->server_min_expires_s = answer->min_expires_s;
}

static void note_success(struct gw_line *line,
			 const struct gw_line_answer *answer)
{
	int64_t now = gw_line_wall_ms();

	line->expires_s = answer->granted_s;
	line->last_success_ms = now;
	line->registered_until_ms = now + (int64_t)answer->granted_s * 1000;
	str_ncpy(line->contacts, answer->contacts, sizeof(line->contacts));
}

static void tell_waits(struct gw_line_registration *reg,
		       const struct gw_line_answer *answer)
{
	struct list told = LIST_INIT;
	struct le *le;

	while ((le = list_head(&reg->waits)) != NULL) {
		list_unlink(le);
		list_append(&told, le, le->data);
	}

	while ((le = list_head(&told)) != NULL) {
		struct gw_line_wait *wait = le->data;

		list_unlink(le);
		wait->h(answer, wait->arg);
	}
}

/* The connection broke under the question: it is put once more on a new one. */
static bool was_cut_off(const struct gw_line_registration *reg,
			const struct gw_line_answer *answer)
{
	switch (answer->err) {
	case ECONNRESET:
	case ECONNABORTED:
	case ENOTCONN:
	case EPIPE:
		return !reg->repairs && reg->line->state == GW_LINE_REGISTERED;
	default:
		return false;
	}
}

static void asked(const struct gw_line_answer *answer, void *arg)
{
	struct gw_line_registration *reg = arg;
	struct gw_line *line = mem_ref(reg->line); /* handlers may free it */
	bool granted = answer->code >= 200 && answer->code < 300 &&
		       answer->granted_s > 0;
	bool cut_off = was_cut_off(reg, answer);

	mem_ref(reg);
	if (!cut_off)
		note(line, answer);
	if (answer->code >= 200 && answer->code < 300 && !granted)
		str_ncpy(line->last_reason,
			 "the registrar took the binding away at once "
			 "(expires 0)",
			 sizeof(line->last_reason));
	reg->floor_s = least_wait(answer);

	if (granted) {
		if (!reg->since)
			reg->since = tmr_jiffies();
		note_success(line, answer);
		keep_alive(reg, answer);
	}

	if (!cut_off)
		reg->repairs = false;
	feed(reg, granted ? IN_GRANTED : cut_off ? IN_LOST : IN_REFUSED);
	tell_waits(reg, answer);
	mem_deref(reg);
	mem_deref(line);
}

static void not_asked(void *arg)
{
	struct gw_line_registration *reg = arg;
	struct gw_line_answer answer = { .err = reg->err,
					 .server = "",
					 .contacts = "" };
	char reason[GW_LINE_TEXT_MAX];

	gw_line_explain(reason, sizeof(reason), reg->line, answer.err);
	answer.reason = reason;
	asked(&answer, reg);
}

static void ask(struct gw_line_registration *reg)
{
	if (reg->exchange)
		return;

	tmr_cancel(&reg->next);
	reg->line->next_try_ms = 0;
	reg->err = gw_line_exchange(&reg->exchange, reg->line, GW_LINE_ASK_BIND,
				    asked, reg);
	if (reg->err)
		tmr_start(&reg->next, 0, not_asked, reg);
}

static void left(const struct gw_line_answer *answer, void *arg)
{
	struct gw_line_registration *reg = arg;

	note(reg->line, answer);
	feed(reg, IN_GONE);
}

static void left_alone(void *arg)
{
	struct gw_line_registration *reg = arg;

	reg->exchange = mem_deref(reg->exchange);
	feed(reg, IN_GONE);
}

static void leave(struct gw_line_registration *reg)
{
	struct gw_line *line = reg->line;
	bool maybe_bound = line->bound[0] != '\0';
	const struct gw_line_answer stopping = { .err = ECANCELED,
						 .reason = "the line stops",
						 .server = "",
						 .contacts = "" };

	reg->exchange = mem_deref(reg->exchange);
	reg->connection = mem_deref(reg->connection);
	tmr_cancel(&reg->ping);
	line->next_try_ms = 0;
	line->registered_until_ms = 0;

	if (maybe_bound && !gw_line_exchange(&reg->exchange, line,
					     GW_LINE_ASK_UNBIND, left, reg))
		tmr_start(&reg->next, STOP_MS, left_alone, reg);
	else
		tmr_start(&reg->next, 0, left_alone, reg);

	tell_waits(reg, &stopping);
}

/* ------------------------------------------------------------------- state */

static const struct rule *find_rule(enum gw_line_state state, enum input in)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].from == state && rules[i].in == in)
			return &rules[i];
	}
	return NULL;
}

static void feed(struct gw_line_registration *reg, enum input in)
{
	struct gw_line *line = reg->line;
	const struct rule *rule = find_rule(line->state, in);

	if (!rule)
		return;

	line->state = rule->to;
	if (rule->todo & DO_REFRESH)
		schedule_refresh(reg);
	if (rule->todo & DO_BACK_OFF)
		schedule_retry(reg);
	if (rule->todo & DO_REPAIR)
		schedule_repair(reg);
	if (rule->todo & DO_LEAVE)
		leave(reg);
	if (rule->todo & DO_ASK)
		ask(reg);
	if (rule->todo & DO_TELL)
		gw_line_tell(line); /* last: it may stop or free the line */
}

/* -------------------------------------------------------------- life */

static void registration_destructor(void *data)
{
	struct gw_line_registration *reg = data;
	struct le *le;

	tmr_cancel(&reg->next);
	tmr_cancel(&reg->ping);
	mem_deref(reg->exchange);
	mem_deref(reg->connection);

	while ((le = list_head(&reg->waits)) != NULL)
		list_unlink(le);
}

int gw_line_start(struct gw_line *line)
{
	struct gw_line_registration *reg;

	if (!line)
		return EINVAL;
	if (line->reg)
		return EALREADY;

	reg = mem_zalloc(sizeof(*reg), registration_destructor);
	if (!reg)
		return ENOMEM;

	reg->line = line;
	tmr_init(&reg->next);
	tmr_init(&reg->ping);
	line->reg = reg;

	if (line->cfg.do_register)
		feed(reg, IN_START);
	return line->target_count > 1 ? gw_line_pings_start(line) : 0;
}

void gw_line_stop(struct gw_line *line)
{
	if (!line || !line->reg)
		return;

	gw_line_checks_end(line);
	line->pings = mem_deref(line->pings);
	feed(line->reg, IN_STOP);
}

static void wait_destructor(void *data)
{
	struct gw_line_wait *wait = data;

	list_unlink(&wait->le);
}

int gw_line_register_now(struct gw_line_wait **waitp, struct gw_line *line,
			 gw_line_wait_h *h, void *arg)
{
	struct gw_line_registration *reg = line->reg;
	struct gw_line_wait *wait;

	if (!reg || (line->state != GW_LINE_REGISTERING &&
		     line->state != GW_LINE_REGISTERED &&
		     line->state != GW_LINE_FAILED))
		return ECANCELED;

	wait = mem_zalloc(sizeof(*wait), wait_destructor);
	if (!wait)
		return ENOMEM;

	wait->h = h;
	wait->arg = arg;
	list_append(&reg->waits, &wait->le, wait);
	*waitp = wait;

	if (!reg->exchange)
		tmr_start(&reg->next, 0, due, reg);
	return 0;
}
