/* sip/call.c - one click-to-call.
 *
 * News come from the line, the leg, the timers and the API; call_fsm says which
 * state follows and what is to be done; this file does it and tells it upwards.
 * A leg's own event always stands before the call's that follows from it.
 *
 * One timer serves two limits that never run together: setup_deadline until the
 * call is up, time_limit from then on. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include <re.h>

#include "sip/call.h"
#include "sip/call_fsm.h"
#include "sip/diagnosis.h"
#include "sip/ladder.h"
#include "sip/leg.h"
#include "sip/line.h"
#include "sip/session.h"

enum {
	LEGS_MAX = 2,
	SOUND_IS_DUE_MS = 2000, /* who has sent no RTP by then, won't */
};

struct gw_call {
	struct gw_call_order order; /* strings in text, headers in header */
	char *text;
	struct gw_call_header *headers;
	struct gw_media *media;
	gw_call_event_h *eventh;
	void *arg;

	enum gw_call_state state;
	struct gw_call_info info;
	struct gw_leg *legs[LEGS_MAX];
	size_t leg_count;
	struct gw_line_watch *watch;
	bool has_place; /* among the line's calls */
	struct tmr limit;

	enum gw_cause intent; /* why we end it, where no leg can say */
	struct gw_ladder ladder;
	char *diagnosis; /* made when first asked for */
};

static void apply(struct gw_call *call, enum gw_call_input input);

static int64_t now_ms(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* Telling ----------------------------------------------------------------- */

static void refresh_info(struct gw_call *call)
{
	struct gw_call_info *info = &call->info;

	info->state = call->state;
	info->leg_count = call->leg_count;
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_info(call->legs[i], &info->legs[i]);

	if (call->leg_count) {
		info->sip_code = info->legs[0].sip_code;
		info->sip_reason = info->legs[0].sip_reason;
		info->reason_header = info->legs[0].reason_header;
	}
}

static void tell_event(struct gw_call *call, struct gw_call_event *ev)
{
	if (!call->eventh)
		return;

	refresh_info(call);
	if (!ev->at_ms)
		ev->at_ms = now_ms();
	call->eventh(call, ev, call->arg);
}

static void tell(struct gw_call *call, enum gw_call_event_type type)
{
	struct gw_call_event ev = { .type = type, .role = -1 };

	tell_event(call, &ev);
}

static void tell_leg(struct gw_call *call, enum gw_call_event_type type,
		     const struct gw_leg *leg)
{
	struct gw_call_event ev = { .type = type };
	struct gw_leg_info info;

	gw_leg_info(leg, &info);
	ev.role = (int)info.role;
	ev.sip_code = info.sip_code;
	ev.sip_reason = info.sip_reason;
	tell_event(call, &ev);
}

/* The ways to the end ----------------------------------------------------- */

static void end_by(struct gw_call *call, enum gw_cause intent,
		   enum gw_ended_by by)
{
	if (call->intent || call->state >= GW_CALL_ENDING)
		return;

	call->intent = intent;
	call->info.ended_by = by;
	apply(call, GW_IN_HANGUP);
}

static void limit_reached(void *arg)
{
	struct gw_call *call = arg;

	mem_ref(call);
	if (call->info.answered_at_ms)
		end_by(call, GW_CAUSE_TIME_LIMIT, GW_ENDED_BY_TIMER);
	else if (call->state == GW_CALL_WAITING_FOR_LINE)
		end_by(call, GW_CAUSE_LINE_NOT_REGISTERED, GW_ENDED_BY_TIMER);
	else
		end_by(call, GW_CAUSE_SETUP_DEADLINE, GW_ENDED_BY_TIMER);
	mem_deref(call);
}

static bool all_gone(const struct gw_call *call)
{
	for (size_t i = 0; i < call->leg_count; i++) {
		if (gw_leg_state(call->legs[i]) != GW_LEG_ENDED)
			return false;
	}

	return true;
}

static void release_legs(struct gw_call *call)
{
	enum gw_cause intent = call->intent ? call->intent :
					      GW_CAUSE_NORMAL_CLEARING;

	tmr_cancel(&call->limit);
	call->watch = mem_deref(call->watch);
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_end(call->legs[i], intent);
}

/* Who ended a leg that we didn't. */
static enum gw_ended_by blame(const struct gw_leg *leg)
{
	struct gw_leg_info info;

	gw_leg_info(leg, &info);

	switch (info.outcome.cause) {
	case GW_CAUSE_RING_TIMEOUT:
	case GW_CAUSE_TRANSPORT_TIMEOUT:
		return GW_ENDED_BY_TIMER;

	case GW_CAUSE_DNS_ERROR:
	case GW_CAUSE_NETWORK_ERROR:
	case GW_CAUSE_TLS_ERROR:
	case GW_CAUSE_AUTH_FAILED:
		return GW_ENDED_BY_LINE;

	case GW_CAUSE_CAPACITY:
	case GW_CAUSE_INTERNAL_ERROR:
		return GW_ENDED_BY_GATEWAY;

	default:
		return info.role == GW_ROLE_FROM ? GW_ENDED_BY_FROM :
						   GW_ENDED_BY_TO;
	}
}

/* Without a leg there is nobody to ask but our own intent. */
static void settle_outcome(struct gw_call *call)
{
	struct gw_call_info *info = &call->info;
	struct gw_leg_info leg;

	if (call->leg_count) {
		gw_leg_info(call->legs[0], &leg);
		info->outcome = leg.outcome;
		if (!info->ended_by)
			info->ended_by = blame(call->legs[0]);
		if (!leg.answered_at_ms &&
		    leg.outcome.status != GW_STATUS_CANCELED)
			info->failed_leg = (int)leg.role;
	} else {
		const struct gw_end end = { .intent = call->intent };

		info->outcome = gw_cause_outcome(&end);
	}

	info->status = info->outcome.status;
}

static void tell_ended(struct gw_call *call)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_ENDED, .role = -1 };

	if (call->has_place) {
		call->has_place = false;
		gw_line_leave(call->order.line);
	}

	settle_outcome(call);
	call->info.ended_at_ms = ev.at_ms = now_ms();
	refresh_info(call);
	ev.sip_code = call->info.sip_code;
	ev.sip_reason = call->info.sip_reason;
	tell_event(call, &ev);
	call->eventh = NULL;
}

/* The legs' news ---------------------------------------------------------- */

static void tell_digit(struct gw_call *call, const struct gw_leg *leg,
		       const struct gw_leg_news *news)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_DTMF,
				    .digit = news->digit,
				    .duration_ms = news->duration_ms };
	struct gw_leg_info info;

	gw_leg_info(leg, &info);
	ev.role = (int)info.role;
	tell_event(call, &ev);
}

static void leg_news(struct gw_leg *leg, const struct gw_leg_news *news,
		     void *arg)
{
	struct gw_call *call = arg;

	mem_ref(call);

	switch (news->type) {
	case GW_LEG_NEWS_STARTED:
		if (!call->info.started_at_ms) {
			call->info.started_at_ms = now_ms();
			tell(call, GW_EV_CALL_INITIATED);
		}
		tell_leg(call, GW_EV_LEG_INITIATED, leg);
		break;

	case GW_LEG_NEWS_RINGING:
		tell_leg(call, GW_EV_LEG_RINGING, leg);
		apply(call, GW_IN_FIRST_RINGING);
		break;

	case GW_LEG_NEWS_EARLY:
		tell_leg(call, GW_EV_LEG_EARLY_MEDIA, leg);
		tell(call, GW_EV_CALL_EARLY_MEDIA);
		break;

	case GW_LEG_NEWS_UP:
		tell_leg(call, GW_EV_LEG_ANSWERED, leg);
		apply(call, GW_IN_ALL_UP);
		break;

	case GW_LEG_NEWS_HELD:
		apply(call, GW_IN_HOLD);
		break;

	case GW_LEG_NEWS_UNHELD:
		apply(call, GW_IN_UNHOLD);
		break;

	case GW_LEG_NEWS_DIGIT:
		tell_digit(call, leg, news);
		break;

	case GW_LEG_NEWS_PLAYED:
		tell_leg(call, GW_EV_CALL_PLAYBACK_ENDED, leg);
		break;

	case GW_LEG_NEWS_STALLED:
		tell_leg(call, GW_EV_CALL_MEDIA_STALLED, leg);
		break;

	case GW_LEG_NEWS_GONE:
		tell_leg(call, GW_EV_LEG_ENDED, leg);
		apply(call, GW_IN_LEG_LOST);
		if (all_gone(call))
			apply(call, GW_IN_ALL_GONE);
		break;
	}

	mem_deref(call);
}

static void leg_wire(bool sent, const char *text, size_t len, void *arg)
{
	struct gw_call *call = arg;

	gw_ladder_add(&call->ladder, now_ms(), sent, text, len);
}

/* Doing what the table says ----------------------------------------------- */

static void dial_first(struct gw_call *call)
{
	const struct gw_leg_cfg cfg = {
		.role = GW_ROLE_TO,
		.order = &call->order,
		.media = call->media,
		.newsh = leg_news,
		.wireh = leg_wire,
		.arg = call,
	};

	call->watch = mem_deref(call->watch);
	if (gw_leg_alloc(&call->legs[0], &cfg)) {
		end_by(call, GW_CAUSE_INTERNAL_ERROR, GW_ENDED_BY_GATEWAY);
		return;
	}

	call->leg_count = 1;
	gw_leg_start(call->legs[0]);
}

static void limit_time(struct gw_call *call)
{
	tmr_start(&call->limit, (uint64_t)call->order.time_limit_s * 1000,
		  limit_reached, call);
}

static void tell_ringing(struct gw_call *call)
{
	call->info.ringing_at_ms = now_ms();
	call->info.status = GW_STATUS_RINGING;
	tell(call, GW_EV_CALL_RINGING);
}

static void tell_answered(struct gw_call *call)
{
	call->info.answered_at_ms = now_ms();
	call->info.status = GW_STATUS_IN_PROGRESS;
	tell(call, GW_EV_CALL_ANSWERED);
}

static void tell_bridged(struct gw_call *call)
{
	call->info.bridged_at_ms = now_ms();
	tell(call, GW_EV_CALL_BRIDGED);
}

static void announce(struct gw_call *call)
{
	if (!call->order.announce ||
	    gw_leg_play(call->legs[0], call->order.announce))
		return;

	tell_leg(call, GW_EV_CALL_PLAYBACK_STARTED, call->legs[0]);
}

static void tell_hold(struct gw_call *call)
{
	tell(call, GW_EV_CALL_HOLD);
}

static void tell_unhold(struct gw_call *call)
{
	tell(call, GW_EV_CALL_UNHOLD);
}

static void line_changed(struct gw_line *line, void *arg);

static void wait_for_line(struct gw_call *call)
{
	if (gw_line_watch(&call->watch, call->order.line, line_changed, call)) {
		end_by(call, GW_CAUSE_INTERNAL_ERROR, GW_ENDED_BY_GATEWAY);
		return;
	}

	tell(call, GW_EV_CALL_WAITING);
}

static const struct {
	unsigned bit;
	void (*h)(struct gw_call *call);
} todos[] = {
	{ GW_DO_WAIT_FOR_LINE, wait_for_line },
	{ GW_DO_DIAL_FIRST, dial_first },
	{ GW_DO_TELL_RINGING, tell_ringing },
	{ GW_DO_TELL_ANSWERED, tell_answered },
	{ GW_DO_LIMIT_TIME, limit_time },
	{ GW_DO_TELL_BRIDGED, tell_bridged },
	{ GW_DO_ANNOUNCE, announce },
	{ GW_DO_TELL_HOLD, tell_hold },
	{ GW_DO_TELL_UNHOLD, tell_unhold },
	{ GW_DO_RELEASE, release_legs },
	{ GW_DO_TELL_ENDED, tell_ended },
};

/* A handler of ours may hang the call up while the list is being done: what was
 * to follow then is not true any more. */
static void apply(struct gw_call *call, enum gw_call_input input)
{
	unsigned todo;
	const enum gw_call_state next = gw_call_fsm(&todo, call->state, input);

	call->state = next;
	for (size_t i = 0; i < ARRAY_SIZE(todos); i++) {
		if ((todo & todos[i].bit) && call->state == next)
			todos[i].h(call);
	}

	if (next == GW_CALL_ENDING && call->state == next && all_gone(call))
		apply(call, GW_IN_ALL_GONE);
}

/* The line ---------------------------------------------------------------- */

enum readiness { READY, SOON, NOT };

static enum readiness line_readiness(const struct gw_line *line)
{
	struct gw_line_info info;

	gw_line_info(line, &info);
	if (!info.registers)
		return READY;

	switch (info.state) {
	case GW_LINE_REGISTERED:
		return READY;

	case GW_LINE_UNREGISTERED:
	case GW_LINE_REGISTERING:
		return SOON;

	default:
		return NOT;
	}
}

static void look_at_line(struct gw_call *call)
{
	switch (line_readiness(call->order.line)) {
	case READY:
		apply(call, GW_IN_LINE_READY);
		break;

	case SOON:
		apply(call, GW_IN_LINE_BUSY);
		break;

	case NOT:
		end_by(call, GW_CAUSE_LINE_NOT_REGISTERED, GW_ENDED_BY_LINE);
		break;
	}
}

static void line_changed(struct gw_line *line, void *arg)
{
	struct gw_call *call = arg;
	(void)line;

	mem_ref(call);
	look_at_line(call);
	mem_deref(call);
}

/* What is asked of a call ------------------------------------------------- */

void gw_call_start(struct gw_call *call)
{
	if (!call || call->state != GW_CALL_QUEUED)
		return;

	mem_ref(call);

	if (gw_line_enter(call->order.line)) {
		end_by(call, GW_CAUSE_CAPACITY, GW_ENDED_BY_LINE);
		goto out;
	}
	call->has_place = true;

	tmr_start(&call->limit, (uint64_t)call->order.setup_deadline_s * 1000,
		  limit_reached, call);
	look_at_line(call);

out:
	mem_deref(call);
}

int gw_call_hangup(struct gw_call *call, enum gw_cause intent,
		   enum gw_ended_by by)
{
	if (!call)
		return EINVAL;
	if (call->state == GW_CALL_ENDED)
		return EALREADY;

	mem_ref(call);
	end_by(call, intent, by);
	mem_deref(call);
	return 0;
}

const struct gw_call_info *gw_call_info(const struct gw_call *call)
{
	struct gw_call *mine = (struct gw_call *)(uintptr_t)call;

	/* legs change without a word to anybody (100 Trying) */
	refresh_info(mine);
	return &call->info;
}

struct ladder_adapter {
	gw_ladder_h *h;
	void *arg;
};

static void ladder_msg(int64_t at_ms, bool sent, const char *text, size_t len,
		       void *arg)
{
	const struct gw_ladder_msg msg = { at_ms, sent, text, len };
	const struct ladder_adapter *adapter = arg;

	adapter->h(&msg, adapter->arg);
}

uint32_t gw_call_ladder(const struct gw_call *call, gw_ladder_h *h, void *arg)
{
	struct ladder_adapter adapter = { h, arg };

	return gw_ladder_apply(&call->ladder, ladder_msg, &adapter);
}

const char *gw_call_diagnosis(const struct gw_call *call)
{
	struct gw_call *mine = (struct gw_call *)(uintptr_t)call;
	const struct gw_line_cfg *line = gw_line_cfg(call->order.line);
	struct gw_diagnosis_facts facts = {
		.outcome = call->info.outcome,
		.uri = call->order.to,
		.line = line->name,
		.user = line->auth_user ? line->auth_user : line->user,
		.codecs = line->codecs,
		.codec_count = line->codec_count,
		.ring_timeout_s = call->order.ring_timeout_s,
	};
	struct gw_leg_info info;
	char text[512];

	if (call->diagnosis || call->state != GW_CALL_ENDED)
		return call->diagnosis;

	if (call->leg_count) {
		gw_leg_info(call->legs[0], &info);
		gw_leg_clues(call->legs[0], &facts.clues);
		facts.sip_code = info.sip_code;
		facts.sip_reason = info.sip_reason;
		facts.reason_header = info.reason_header;
		facts.answered = info.answered_at_ms != 0;
		facts.no_sound_came = info.has_quality && !info.quality.any &&
				      info.ended_at_ms - info.answered_at_ms >
					      SOUND_IS_DUE_MS;
	}

	if (gw_diagnosis(text, sizeof(text), &facts))
		(void)str_dup(&mine->diagnosis, text);
	return call->diagnosis;
}

int gw_call_dialog_print(struct mbuf *mb, const struct gw_call *call)
{
	return call && call->leg_count ?
		       gw_leg_dialog_print(mb, call->legs[0]) :
		       ENOENT;
}

/* BYE for the dialog of an earlier process: waits for its way. */
struct stored_bye {
	struct gw_line *line;
	struct gw_line_way_req *way;
	char *dialog;
};

static void stored_bye_destructor(void *arg)
{
	struct stored_bye *bye = arg;

	mem_deref(bye->way);
	mem_deref(bye->line);
	mem_deref(bye->dialog);
}

static void stored_bye_ready(int err, const struct gw_line_way *way, void *arg)
{
	struct stored_bye *bye = arg;

	bye->way = NULL;
	if (!err)
		(void)gw_session_bye_printed(bye->line, way, bye->dialog, 41,
					     "server restart");
	mem_deref(bye);
}

int gw_call_bye_stored(struct gw_line *line, const char *dialog)
{
	struct stored_bye *bye;
	struct pl text, target;
	char *uri = NULL;
	int err;

	if (!line || !dialog)
		return EINVAL;

	pl_set_str(&text, dialog);
	if (re_regex(text.p, text.l, "BYE [^ ]+ SIP/2.0", &target))
		return EBADMSG;

	bye = mem_zalloc(sizeof(*bye), stored_bye_destructor);
	if (!bye)
		return ENOMEM;

	bye->line = mem_ref(line);
	err = str_dup(&bye->dialog, dialog);
	if (!err)
		err = pl_strdup(&uri, &target);
	if (!err)
		err = gw_line_way(&bye->way, line, uri, stored_bye_ready, bye);

	mem_deref(uri);
	if (err)
		mem_deref(bye);
	return err;
}

/* Birth and death --------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_call *call = arg;

	call->eventh = NULL;
	tmr_cancel(&call->limit);
	mem_deref(call->watch);
	for (size_t i = 0; i < call->leg_count; i++)
		mem_deref(call->legs[i]);
	if (call->has_place)
		gw_line_leave(call->order.line);

	gw_ladder_free(&call->ladder);
	mem_deref(call->diagnosis);
	mem_deref(call->headers);
	mem_deref(call->text);
}

/* All strings of the order in one block: a call has many, and thousands of
 * calls have many calls to malloc. */
static size_t text_len(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *put(char **p, const char *s)
{
	char *copy = *p;
	size_t len = text_len(s);

	if (!s)
		return NULL;

	memcpy(copy, s, len);
	*p += len;
	return copy;
}

static int copy_order(struct gw_call *call, const struct gw_call_order *from)
{
	struct gw_call_order *to = &call->order;
	size_t size = text_len(from->to) + text_len(from->caller_number) +
		      text_len(from->caller_name) +
		      text_len(from->media_listen) +
		      text_len(from->media_advertise);
	char *p;

	for (size_t i = 0; i < from->header_count; i++)
		size += text_len(from->headers[i].name) +
			text_len(from->headers[i].value);

	p = call->text = mem_alloc(size, NULL);
	if (!p)
		return ENOMEM;

	*to = *from;
	to->to = put(&p, from->to);
	to->caller_number = put(&p, from->caller_number);
	to->caller_name = put(&p, from->caller_name);
	to->media_listen = put(&p, from->media_listen);
	to->media_advertise = put(&p, from->media_advertise);
	to->headers = NULL;

	if (from->header_count) {
		call->headers = mem_zalloc(
			from->header_count * sizeof(*call->headers), NULL);
		if (!call->headers)
			return ENOMEM;
		to->headers = call->headers;
	}
	for (size_t i = 0; i < from->header_count; i++) {
		call->headers[i].name = put(&p, from->headers[i].name);
		call->headers[i].value = put(&p, from->headers[i].value);
	}

	return 0;
}

/* The last guard before the wire: what server/ has checked may not be one more
 * header because somebody forgot to. */
static bool injects(const struct gw_call_order *order)
{
	for (size_t i = 0; i < order->header_count; i++) {
		const struct gw_call_header *header = &order->headers[i];

		if (!header->name || !header->value || !header->name[0] ||
		    header->name[strcspn(header->name, "\r\n: \t")] ||
		    header->value[strcspn(header->value, "\r\n")])
			return true;
	}

	return order->to[strcspn(order->to, "\r\n<> \"")] != '\0';
}

int gw_call_alloc(struct gw_call **callp, const struct gw_call_order *order,
		  struct gw_media *media, gw_call_event_h *eventh, void *arg)
{
	struct gw_call *call;
	int err;

	if (!callp || !order || !order->to || !order->line || injects(order))
		return EINVAL;

	call = mem_zalloc(sizeof(*call), destructor);
	if (!call)
		return ENOMEM;

	err = copy_order(call, order);
	if (err) {
		mem_deref(call);
		return err;
	}

	call->media = media;
	call->eventh = eventh;
	call->arg = arg;
	call->state = GW_CALL_QUEUED;
	call->info.failed_leg = -1;

	*callp = call;
	return 0;
}
