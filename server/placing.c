/* From the words of an order to two people who may be rung. See placing.h. */
#include "server/placing.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/key.h"
#include "server/lines.h"
#include "server/quota.h"
#include "server/refusal.h"
#include "server/registry.h"
#include "server/sounds.h"
#include "server/webhook.h"
#include "server/writer.h"
#include "sip/browser.h"
#include "sip/line.h"

void gw_placing_refuse(struct gw_http_req *req, const struct gw_faults *faults)
{
	size_t i;

	for (i = 0; i < faults->count; i++)
		gw_http_problem_add(req, faults->list[i].pointer,
				    faults->list[i].detail);
	gw_http_problem(
		req, faults->controls ? 400 : 422, "invalid_call",
		"The body was read, but something in it is wrong; nothing was dialled.");
}

/* Against the lines --------------------------------------------------------- */

static bool is_caller_id_allowed(const char *number,
				 const struct gw_line_cfg *line,
				 const struct gw_key *key)
{
	size_t i;

	/* what is shown where the order says nothing */
	if (!strcmp(line->caller_number ? line->caller_number : line->user,
		    number))
		return true;
	for (i = 0; i < line->caller_id_count; i++)
		if (!strcmp(line->caller_ids[i], number))
			return true;
	for (i = 0; key && i < key->caller_ids.count; i++)
		if (!strcmp(key->caller_ids.list[i], number))
			return true;
	return false;
}

/* name NULL: the key's default. NULL: there is none, which is a fault. */
static struct gw_line *find_line(struct gw_placing *p, const char *pointer,
				 const char *name, const struct gw_key *key)
{
	struct gw_line *line = name ? gw_lines_find(name) :
				      gw_lines_default(key);

	if (line && gw_lines_allowed(key, line))
		return line;
	gw_fault(&p->faults, pointer, "%s",
		 name ? "there is no line of this name; GET /lines lists them" :
			"there is no default line; name one of GET /lines");
	return NULL;
}

bool gw_placing_resolve(struct gw_address *addr,
			struct gw_policy_verdict *verdict, const char *text,
			struct gw_line *line, const struct gw_key *key,
			const char **whyp)
{
	struct gw_dial_rules rules;

	gw_line_dial_rules(line, &rules);
	*whyp = NULL;
	if (gw_address_parse(addr, text, &rules, whyp)) {
		if (!*whyp)
			*whyp = "can't be dialled";
		return false;
	}
	*verdict = gw_lines_policy(line, key, addr);
	return true;
}

/* A browser is dialled by nobody: what it has to have is an offer that we can
 * answer with the line's codecs. */
static void check_browser(struct gw_placing *p, struct gw_placing_party *party,
			  const char *pointer)
{
	const struct gw_line_cfg *line = gw_line_cfg(party->line);
	const char *why = !p->takes_browser ?
				  "is only for who waits for the answer" :
				  gw_browser_refuse(p->order.webrtc,
						    line->codecs,
						    line->codec_count);
	char where[32];

	party->is_browser = true;
	party->verdict = (struct gw_policy_verdict){ .allowed = true,
						     .rule = "webrtc",
						     .why = "a browser is "
							    "dialled by "
							    "nobody" };
	str_ncpy(party->addr.uri, GW_BROWSER_URI, sizeof(party->addr.uri));
	(void)re_snprintf(where, sizeof(where), "%s/webrtc/sdp", pointer);
	if (why)
		gw_fault(&p->faults, where, "%s", why);
}

static void check_party(struct gw_placing *p, struct gw_placing_party *party,
			const char *pointer)
{
	const bool is_from = party == &p->from;
	const char *why;

	if (party->given && party->line && p->order.webrtc &&
	    is_from == (p->order.webrtc_role == GW_ROLE_FROM)) {
		check_browser(p, party, pointer);
		return;
	}
	if (party->given && party->line &&
	    !gw_placing_resolve(&party->addr, &party->verdict, party->given,
				party->line, p->key, &why))
		gw_fault(&p->faults, pointer, "%s", why);
}

/* The phone that is asked to answer by itself is that of the one who wanted the
 * call: from, where there is one. */
static void check_auto_answer(struct gw_placing *p)
{
	const struct gw_line *line = p->from.given ? p->from.line : p->to.line;

	if (p->order.auto_answer && line && !gw_line_cfg(line)->auto_answer)
		gw_fault(
			&p->faults, "/auto_answer",
			"the line's auto_answer setting has to name the phones' header family");
}

static void check_callback(struct gw_placing *p, const struct gw_config *cfg)
{
	const char *url = p->order.status_callback;
	const char *why = url ? gw_webhooks_refuse_callback(cfg, p->key, url) :
				NULL;

	if (why)
		gw_fault(&p->faults, "/status_callback", "%s", why);
}

/* What the order says must fit its lines: faults tells what does not. */
static void check_against_lines(struct gw_placing *p, const struct gw_key *key,
				const struct gw_config *cfg)
{
	const struct gw_order_request *o = &p->order;

	p->to.given = o->to;
	p->to.line = find_line(p, "/line", o->line, key);
	check_party(p, &p->to, "/to");
	p->from.given = o->from;
	if (o->from)
		p->from.line = o->from_line ? find_line(p, "/from_line",
							o->from_line, key) :
					      p->to.line;
	check_party(p, &p->from, "/from");
	if (o->caller_number && p->to.line &&
	    !is_caller_id_allowed(o->caller_number, gw_line_cfg(p->to.line),
				  key))
		gw_fault(&p->faults, "/caller_id/number",
			 "is not one of the line's or key's caller_ids");
	if (o->announce_play && !gw_sounds_find(o->announce_play))
		gw_fault(&p->faults, "/announce/play",
			 "there is no such WAV file in media.sounds");
	check_auto_answer(p);
	check_callback(p, cfg);
}

/* With a click token ---------------------------------------------------------- */

/* The page of a stranger may say whom to call back, and what it wants echoed. */
static void check_click_members(struct gw_placing *p,
				const struct gw_json *body)
{
	static const char *const free_ones[] = { "to", "from", "client_state",
						 "metadata", "dedupe_seconds" };
	const struct gw_json *m;

	for (m = gw_json_first(body); m; m = gw_json_next(m)) {
		char pointer[GW_JSON_POINTER_SIZE] = "";
		size_t i = 0;

		while (i < ARRAY_SIZE(free_ones) &&
		       strcmp(gw_json_name(m), free_ones[i]) != 0)
			i++;
		if (i < ARRAY_SIZE(free_ones))
			continue;
		(void)gw_json_pointer_add(pointer, sizeof(pointer),
					  gw_json_name(m));
		gw_fault(&p->faults, pointer,
			 "is not for who comes with a click token");
	}
}

static void apply_click(struct gw_placing *p, const struct gw_click *click)
{
	if (click->max_s && click->max_s < p->order.time_limit_s)
		p->order.time_limit_s = click->max_s;
}

/* The token says who is called; who is called back says the visitor, within what
 * the key allows. */
static void judge_click(const struct gw_placing *p, const struct gw_key *key,
			struct gw_refusal *r)
{
	const struct gw_config_strings *prefixes = &key->visitor_prefixes;
	const char *number = p->from.addr.number;
	size_t i = 0;

	if (strcmp(p->order.to, key->click->to) != 0) {
		r->pointer = "/to";
		r->audited = true;
		gw_refuse(r, 403, "token_destination",
			  "This click token is for another destination.");
		return;
	}
	if (!p->from.given || p->from.is_browser)
		return;
	while (i < prefixes->count && strncmp(number, prefixes->list[i],
					      strlen(prefixes->list[i])) != 0)
		i++;
	if (p->from.addr.own_domain && number[0] && i < prefixes->count)
		return;
	r->pointer = "/from";
	r->audited = true;
	gw_refuse(r, 403, "token_visitor",
		  "A visitor may not be called back at this number: the key's "
		  "visitor_prefixes say at which ones.");
}

/* It has to lie ahead, but not too far, and leave time to begin in. */
static void check_schedule(struct gw_placing *p)
{
	const struct gw_schedule *s = &p->order.schedule;
	const int64_t now_ms = gw_clock_ms();
	const int64_t least_ms = MAX(now_ms, s->not_before_ms);
	const int64_t due_ms = gw_window_opens(&s->window, least_ms);

	if (s->not_before_ms > now_ms + GW_SCHEDULE_AHEAD_S * INT64_C(1000))
		gw_fault(&p->faults, "/not_before",
			 "must be within %d days from now",
			 GW_SCHEDULE_AHEAD_S / 86400);
	if (s->expires_at_ms && s->expires_at_ms <= now_ms)
		gw_fault(&p->faults, "/expires_at", "has passed already");
	else if (s->expires_at_ms && s->expires_at_ms <= due_ms)
		gw_fault(&p->faults, "/expires_at",
			 "must be after the window opens");
	p->due_ms = due_ms > now_ms ? due_ms : 0;
}

bool gw_placing_read_again(struct gw_placing *p,
			   const struct gw_placing_again *again)
{
	p->key = again->key;
	p->client = again->client;
	p->body = again->body;
	p->from_form = again->from_form;
	if (!gw_json_read_order(&p->order, again->body, again->from_form,
				&again->cfg->limits.headers, &p->faults))
		check_against_lines(p, p->key, again->cfg);
	return !p->faults.count;
}

bool gw_placing_check(struct gw_placing *p, const struct gw_placing_source *src)
{
	const struct gw_key *key = src->key;
	const struct gw_click *click = key ? key->click : NULL;

	p->key = key;
	p->client = src->client;
	p->body = src->body;
	p->from_form = src->from_form;
	p->takes_browser = src->takes_browser;
	if (click) {
		p->order.to = click->to;
		check_click_members(p, src->body);
	}
	if (!gw_json_read_order(&p->order, src->body, src->from_form,
				&src->cfg->limits.headers, &p->faults)) {
		check_against_lines(p, key, src->cfg);
		check_schedule(p);
		if (click)
			apply_click(p, click);
	}
	return !p->faults.count;
}

bool gw_placing_read(struct gw_placing *p, struct gw_http_req *req)
{
	const struct gw_placing_source src = {
		.cfg = gw_http_config(req),
		.body = gw_http_json(req),
		.from_form = gw_http_is_form(req),
		.key = gw_http_key(req),
		.client = gw_http_client(req),
		.takes_browser = true,
	};

	if (gw_placing_check(p, &src))
		return true;
	gw_placing_refuse(req, &p->faults);
	return false;
}

/* May they be rung, and can they -------------------------------------------- */

/* What the registry says to new calls now, for people. */
static const struct {
	int err;
	unsigned status;
	const char *code, *detail;
	bool audited;
} not_now[] = {
	{ ESHUTDOWN, 503, "draining",
	  "The gateway is stopping and takes no new calls.", false },
	{ EPERM, 503, "frozen",
	  "New calls have been stopped by POST /admin/freeze.", true },
	{ EUSERS, 429, "rate_limited",
	  "More calls a second than limits.calls_per_s allows for one key.",
	  false },
	{ ENOSPC, 503, "storage",
	  "Calls can't be written to disk now, so none are taken.", false },
	{ EAGAIN, 503, "overloaded",
	  "The gateway is behind with its work; what runs goes on.", false },
	{ EBUSY, 503, "capacity",
	  "As many calls are up as limits.calls allows.", false },
};

bool gw_placing_admit(const struct gw_config *cfg, const struct gw_key *key,
		      struct gw_refusal *r)
{
	const int err = gw_registry_admit(key, &r->retry_s);
	size_t i = 0;

	if (!err)
		return true;
	while (i < ARRAY_SIZE(not_now) - 1 && not_now[i].err != err)
		i++;
	r->audited = not_now[i].audited;
	if (err == EUSERS) {
		r->limit = "calls";
		r->max = cfg->limits.calls_per_s;
		r->window_s = 1;
	}
	gw_refuse(r, not_now[i].status, not_now[i].code, "%s",
		  not_now[i].detail);
	return false;
}

static void judge_party(const char *pointer,
			const struct gw_placing_party *party,
			struct gw_refusal *r)
{
	const struct gw_policy_verdict *verdict = &party->verdict;

	if (r->status || !party->given || verdict->allowed)
		return;
	r->pointer = pointer;
	r->audited = true;
	str_ncpy(r->rule, verdict->rule, sizeof(r->rule));
	gw_refuse(r, 403, "policy_denied",
		  "The rule \"%s\" refuses this destination: %s.",
		  verdict->rule, verdict->why);
}

/* What limits count by: the number, however it was written. */
static const char *counted_as(const struct gw_placing_party *party)
{
	return !party->given || party->is_browser ? NULL :
	       party->addr.number[0]              ? party->addr.number :
						    party->addr.uri;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return b && b < a ? b : a;
}

void gw_placing_quota(const struct gw_placing *p, struct gw_quota_call *call)
{
	const struct gw_policy_verdict *from =
		p->from.given ? &p->from.verdict : NULL;

	*call = (struct gw_quota_call){
		.key = p->key ? p->key->name : NULL,
		.project = p->key ? p->key->project : NULL,
		.line = gw_line_name(p->to.line),
		.from = counted_as(&p->from),
		.to = counted_as(&p->to),
		.client = p->client,
		.cost = p->to.verdict.cost + (from ? from->cost : 0),
		.time_limit_s = lower(p->order.time_limit_s,
				      p->to.verdict.max_minutes * 60),
	};
	if (from)
		call->time_limit_s =
			lower(call->time_limit_s, from->max_minutes * 60);
}

static void judge_quota(struct gw_placing *p, struct gw_refusal *r)
{
	struct gw_quota_verdict verdict;
	struct gw_quota_call call;

	gw_placing_quota(p, &call);
	verdict = gw_registry_quota(&call);
	if (verdict.allowed) {
		p->order.time_limit_s = verdict.time_limit_s;
		return;
	}
	r->audited = true;
	r->retry_s = verdict.retry_s;
	r->max = verdict.max;
	r->window_s = verdict.window_s;
	str_ncpy(r->rule, verdict.limit, sizeof(r->rule));
	gw_refuse(r, 429, "limit_reached", "No more calls for now: %s.",
		  verdict.why);
}

static bool has_place(const struct gw_line *line, uint32_t legs)
{
	const uint32_t max_calls = gw_line_cfg(line)->max_calls;
	struct gw_line_info info;

	gw_line_info(line, &info);
	return !max_calls || info.calls + legs <= max_calls;
}

/* So long the server of one of the two wants to be left alone. */
static uint32_t excluded_s(const struct gw_placing *p)
{
	const uint32_t to_s = gw_lines_excluded_s(p->to.line);
	const uint32_t from_s =
		p->from.given ? gw_lines_excluded_s(p->from.line) : 0;

	if (p->to.is_browser || p->from.is_browser)
		return p->to.is_browser ? from_s : to_s;
	return from_s > to_s ? from_s : to_s;
}

/* A line that is full or down; when all are down, waiting may help. */
static void judge_lines(const struct gw_placing *p, struct gw_refusal *r)
{
	const bool two = p->from.given != NULL;
	const bool shared = two && p->from.line == p->to.line;
	const uint32_t to_legs = p->to.is_browser ? 0 : 1;
	const uint32_t from_legs = two && !p->from.is_browser ? 1 : 0;

	if (gw_lines_all_failed(&r->retry_s)) {
		gw_refuse(r, 503, "lines_down",
			  "No line is registered; GET /lines tells why.");
		return;
	}
	r->retry_s = excluded_s(p);
	if (r->retry_s) {
		gw_refuse(r, 503, "lines_down",
			  "The server of the line is overloaded and wants to "
			  "be left alone.");
		return;
	}
	r->retry_s = 5;
	if (!has_place(p->to.line, shared ? to_legs + from_legs : to_legs) ||
	    (two && !shared && !has_place(p->from.line, from_legs)))
		gw_refuse(r, 503, "capacity",
			  "The line has all the calls it may have.");
	else if (!gw_registry_has_ports(two ? 2 : 1))
		gw_refuse(r, 503, "capacity",
			  "The calls that are up have all ports of "
			  "media.ports.");
	else
		r->retry_s = 0;
}

static void judge_waiting(const struct gw_key *key, struct gw_refusal *r)
{
	uint32_t max = 0;
	const int err = gw_registry_may_wait(key, &max);

	if (!err)
		return;
	r->retry_s = 60;
	if (err == EUSERS) {
		r->limit = "calls-later";
		r->max = max;
		gw_refuse(r, 429, "limit_reached",
			  "As many of this key's calls wait for their time as "
			  "limits.calls_later_per_key allows.");
		return;
	}
	gw_refuse(r, 503, "capacity",
		  "As many calls wait for their time as limits.calls_later "
		  "allows.");
}

bool gw_placing_judge(struct gw_placing *p, struct gw_refusal *r)
{
	if (p->key && p->key->click)
		judge_click(p, p->key, r);
	judge_party("/to", &p->to, r);
	judge_party("/from", &p->from, r);
	if (!r->status)
		judge_quota(p, r);
	/* what is full or down now may not be so then */
	if (!r->status && p->due_ms)
		judge_waiting(p->key, r);
	else if (!r->status)
		judge_lines(p, r);
	return !r->status;
}

void gw_placing_placement(const struct gw_placing *p, struct gw_placement *pl,
			  struct gw_quota_call *counted)
{
	gw_placing_quota(p, counted);
	*pl = (struct gw_placement){
		.order = &p->order,
		.uri = p->to.addr.uri,
		.number = p->to.addr.number[0] ? p->to.addr.number : NULL,
		.line = p->to.line,
		.from_uri = p->from.given ? p->from.addr.uri : NULL,
		.from_line = p->from.line,
		.browser_role = p->order.webrtc_role,
		.key = p->key,
		.client = p->client,
		.body = p->body,
		.from_form = p->from_form,
		.due_ms = p->due_ms,
		.dedupe_s = p->order.dedupe_s,
		.counted = counted,
	};
}

/* Saying so ----------------------------------------------------------------- */

static void write_party(struct gw_writer *w,
			const struct gw_placing_party *party,
			const struct gw_policy_verdict *verdict)
{
	struct gw_line_info info;

	gw_line_info(party->line, &info);
	gw_write_bool(w, "allowed", verdict->allowed);
	gw_write_string(w, "rule", verdict->rule);
	gw_write_string(w, "detail", verdict->why);
	gw_write_string(w, "uri", party->addr.uri);
	gw_write_string(w, "number",
			party->addr.number[0] ? party->addr.number : NULL);
	gw_write_string(w, "line", info.name);
	gw_write_string(w, "line_state", gw_line_state_name(info.state));
}

static void write_left(const struct gw_quota_left *left, void *arg)
{
	struct gw_writer *w = arg;

	gw_write_open(w, NULL, '{');
	gw_write_string(w, "limit", left->limit);
	gw_write_string(w, "per", left->per);
	gw_write_string(w, "window", left->window);
	gw_write_string(w, "counts", left->what);
	gw_write_int(w, "max", left->max);
	gw_write_int(w, "left", left->left);
	gw_write_time(w, "renewed_at", left->renewed_ms);
	gw_write_close(w, '}');
}

/* How long the call may take, and what is left of each limit that counts it. */
static void write_limits(struct gw_writer *w, const struct gw_placing *p)
{
	struct gw_quota_verdict verdict;
	struct gw_quota_call call;

	gw_placing_quota(p, &call);
	verdict = gw_registry_quota(&call);
	gw_write_int(w, "time_limit",
		     verdict.allowed ? verdict.time_limit_s : 0);
	gw_write_string(w, "limit_reached",
			verdict.allowed ? NULL : verdict.limit);
	gw_write_bool(w, "frozen", gw_registry_is_frozen());
	gw_write_open(w, "limits", '[');
	gw_registry_quota_explain(&call, write_left, w);
	gw_write_close(w, ']');
}

/* The to party's facts stand on top, as they do when there is nobody else; from's
 * are an object of the same names. Whether the call is allowed stands on top, too:
 * the rule that refuses either of the two refuses it. */
void gw_placing_write_dry_run(struct gw_writer *w, const char *name,
			      const struct gw_placing *p)
{
	const struct gw_line_cfg *line = gw_line_cfg(p->to.line);
	const char *number = p->order.caller_number ? p->order.caller_number :
						      line->caller_number;
	const struct gw_policy_verdict *verdict =
		p->to.verdict.allowed && p->from.given ? &p->from.verdict :
							 &p->to.verdict;
	struct gw_registry_stats stats;

	if (verdict->allowed)
		verdict = &p->to.verdict;
	gw_registry_stats(&stats);
	gw_write_open(w, name, '{');
	gw_write_string(w, "object", "dry_run");
	gw_write_string(w, "to", p->order.to);
	write_party(w, &p->to, verdict);
	gw_write_string(w, "caller_id", number ? number : line->user);
	if (p->from.given) {
		gw_write_open(w, "from", '{');
		gw_write_string(w, "from", p->order.from);
		write_party(w, &p->from, &p->from.verdict);
		gw_write_close(w, '}');
	} else {
		gw_write_null(w, "from");
	}
	gw_write_int(w, "calls_left",
		     stats.limit > stats.living ? stats.limit - stats.living :
						  0);
	write_limits(w, p);
	gw_write_close(w, '}');
}

void gw_placing_reply_dry_run(const struct gw_placing *p,
			      struct gw_http_req *req)
{
	struct gw_writer w = { .err = ENOMEM };
	struct mbuf *mb = mbuf_alloc(512);

	if (mb) {
		gw_writer_init(&w, mb);
		gw_placing_write_dry_run(&w, NULL, p);
	}
	if (w.err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}
