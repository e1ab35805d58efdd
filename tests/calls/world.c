/* The world of world.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/calls/world.h"

static struct world the_world;
uint32_t world_session_expires_s;

/* What the media thread hands to the loop --------------------------------- */

struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	struct job *head, **tail;
	int fd;
} jobs = { PTHREAD_MUTEX_INITIALIZER, NULL, &jobs.head, -1 };

static int post(void (*fn)(void *arg), void *fn_arg, void *arg)
{
	struct job *job = malloc(sizeof(*job));
	const uint64_t one = 1;
	(void)arg;

	if (!job)
		return ENOMEM;

	*job = (struct job){ NULL, fn, fn_arg };
	pthread_mutex_lock(&jobs.lock);
	*jobs.tail = job;
	jobs.tail = &job->next;
	pthread_mutex_unlock(&jobs.lock);

	return write(jobs.fd, &one, sizeof(one)) == sizeof(one) ? 0 : EIO;
}

static void run_jobs(void)
{
	struct job *job, *next;

	pthread_mutex_lock(&jobs.lock);
	job = jobs.head;
	jobs.head = NULL;
	jobs.tail = &jobs.head;
	pthread_mutex_unlock(&jobs.lock);

	for (; job; job = next) {
		next = job->next;
		job->fn(job->arg);
		free(job);
	}
}

static void woken(int flags, void *arg)
{
	uint64_t count;
	(void)flags;
	(void)arg;

	(void)!read(jobs.fd, &count, sizeof(count));
	run_jobs();
}

static int jobs_open(void)
{
	jobs.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (jobs.fd < 0)
		return errno;

	return fd_listen(jobs.fd, FD_READ, woken, NULL);
}

static void jobs_close(void)
{
	if (jobs.fd < 0)
		return;

	run_jobs();
	fd_close(jobs.fd);
	(void)close(jobs.fd);
	jobs.fd = -1;
}

/* Opening and closing ----------------------------------------------------- */

static void world_close(void *arg)
{
	struct world *w = arg;

	w->call = mem_deref(w->call);
	w->line = mem_deref(w->line);
	w->stack = mem_deref(w->stack);
	run_jobs();
	if (w->media)
		gw_media_stop(w->media);
	w->media = NULL;
	jobs_close();
	phone_close(&w->to);
	phone_close(&w->from);
	phone_close(&w->third);
}

static int open_stack(struct world *w)
{
	const struct gw_stack_listen listens[] = {
		{ GW_TRANSPORT_UDP, "127.0.0.1", 0 },
		{ GW_TRANSPORT_TCP, "127.0.0.1", 0 },
	};
	const struct gw_stack_cfg cfg = {
		.listen = listens,
		.listen_count = ARRAY_SIZE(listens),
		.user_agent = "Bellpull/test",
	};

	return gw_stack_alloc(&w->stack, &cfg);
}

static int open_line(struct world *w, enum gw_transport tp)
{
	static const char *const codecs[] = { "PCMA", "PCMU",
					      "telephone-event" };
	const struct gw_line_cfg cfg = {
		.name = "test",
		.display_name = "Bell \"P\" Pull",
		.user = "858",
		.password = "858",
		.domain = "127.0.0.1",
		.port = sa_port(&w->to.addr),
		.transport = tp,
		.codecs = codecs,
		.codec_count = ARRAY_SIZE(codecs),
		.session_expires_s = world_session_expires_s,
	};

	return gw_line_alloc(&w->line, w->stack, &cfg, NULL, NULL);
}

int world_open(struct world **wp, enum gw_transport tp)
{
	const struct gw_media_cfg media = { .port_min = 20000,
					    .port_max = 20100 };
	struct world *w = &the_world;
	int err;

	memset(w, 0, sizeof(*w));
	test_later(world_close, w);

	err = jobs_open();
	if (!err)
		err = phone_open(&w->to, tp == GW_TRANSPORT_TCP ?
						 SIP_TRANSP_TCP :
						 SIP_TRANSP_UDP);
	if (!err)
		err = phone_open(&w->from, SIP_TRANSP_UDP);
	if (!err)
		err = phone_open(&w->third, SIP_TRANSP_UDP);
	if (!err)
		err = gw_media_start(&w->media, &media, post, NULL);
	if (!err)
		err = open_stack(w);
	if (!err)
		err = open_line(w, tp);
	if (!err)
		*wp = w;
	return err;
}

/* Calls ------------------------------------------------------------------- */

static const char *const names[] = {
	[GW_EV_CALL_INITIATED] = "call.initiated",
	[GW_EV_CALL_RINGING] = "call.ringing",
	[GW_EV_CALL_EARLY_MEDIA] = "call.early_media",
	[GW_EV_CALL_ANSWERED] = "call.answered",
	[GW_EV_CALL_BRIDGED] = "call.bridged",
	[GW_EV_CALL_HOLD] = "call.hold",
	[GW_EV_CALL_UNHOLD] = "call.unhold",
	[GW_EV_CALL_DTMF] = "call.dtmf",
	[GW_EV_CALL_PLAYBACK_STARTED] = "call.playback.started",
	[GW_EV_CALL_PLAYBACK_ENDED] = "call.playback.ended",
	[GW_EV_CALL_MEDIA_STALLED] = "call.media.stalled",
	[GW_EV_CALL_CONFIRM_PASSED] = "call.confirm.passed",
	[GW_EV_CALL_CONFIRM_FAILED] = "call.confirm.failed",
	[GW_EV_CALL_TRANSFER_STARTED] = "call.transfer.started",
	[GW_EV_CALL_TRANSFER_COMPLETED] = "call.transfer.completed",
	[GW_EV_CALL_TRANSFER_FAILED] = "call.transfer.failed",
	[GW_EV_CALL_WAITING] = "waiting",
	[GW_EV_CALL_ENDED] = "call.ended",
	[GW_EV_LEG_INITIATED] = "leg.initiated",
	[GW_EV_LEG_RINGING] = "leg.ringing",
	[GW_EV_LEG_EARLY_MEDIA] = "leg.early_media",
	[GW_EV_LEG_ANSWERED] = "leg.answered",
	[GW_EV_LEG_ENDED] = "leg.ended",
};

static void call_event(struct gw_call *call, const struct gw_call_event *ev,
		       void *arg)
{
	struct world *w = arg;
	const size_t used = strlen(w->history);
	const bool two = gw_call_info(call)->leg_count > 1 || w->two;

	(void)re_snprintf(w->history + used, sizeof(w->history) - used,
			  "%s%s%s", used ? " " : "", names[ev->type],
			  !two || ev->role < 0     ? "" :
			  ev->role == GW_ROLE_FROM ? "(from)" :
						     "(to)");
	w->ended += ev->type == GW_EV_CALL_ENDED;
	if (ev->type == GW_EV_LEG_RINGING)
		w->state_at_ringing = gw_call_info(call)->state;

	if (ev->type == GW_EV_CALL_DTMF && strlen(w->digits) < 31)
		w->digits[strlen(w->digits)] = ev->digit;

	if (w->hang_up_at && 0 == strcmp(w->hang_up_at, names[ev->type]))
		(void)gw_call_hangup(call, GW_CAUSE_CANCELED_BY_API,
				     GW_ENDED_BY_API);
}

static bool target(char *uri, size_t size, const char *text, enum gw_role role,
		   void *arg)
{
	struct world *w = arg;

	w->target_role = role;

	str_ncpy(w->target, text, sizeof(w->target));
	str_ncpy(uri, text, size);
	return !w->refuses_targets;
}

static void recorded(const struct gw_call_sound *sound, void *arg)
{
	struct world *w = arg;

	++w->pieces;
	w->last_pieces += sound->last;
}

int world_call_two(struct world *w, const struct gw_call_order *order)
{
	struct gw_call_order o = *order;

	w->two = true;
	o.from = o.from ? o.from : w->from.uri;
	o.targeth = target;
	o.recordedh = recorded;
	return world_call(w, &o);
}

int world_bring_up_two(struct world *w, const struct gw_call_order *order)
{
	int err;

	phone_will(&w->from, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	err = world_call_two(w, order);
	if (!err)
		err = world_until(w, "call.bridged");
	if (!err)
		err = world_until_seen(&w->from, "ACK");
	if (!err)
		err = world_until_seen(&w->to, "ACK");
	if (!err) {
		memset(w->from.log, 0, sizeof(w->from.log));
		memset(w->to.log, 0, sizeof(w->to.log));
	}
	return err;
}

int world_call(struct world *w, const struct gw_call_order *order)
{
	struct gw_call_order o = *order;
	int err;

	o.line = o.line ? o.line : w->line;
	o.to = o.to ? o.to : w->to.uri;
	o.ring_timeout_s = o.ring_timeout_s ? o.ring_timeout_s : 30;
	o.time_limit_s = o.time_limit_s ? o.time_limit_s : 3600;
	o.setup_deadline_s = o.setup_deadline_s ? o.setup_deadline_s : 90;
	o.caller_privacy = o.caller_privacy ? o.caller_privacy : -1;

	err = gw_call_alloc(&w->call, &o, w->media, call_event, w);
	if (!err)
		gw_call_start(w->call);
	return err;
}

struct sought {
	const char *text, *word;
};

static bool is_there(void *arg)
{
	const struct sought *sought = arg;
	const size_t len = strlen(sought->word);
	const char *p = sought->text;

	for (; (p = strstr(p, sought->word)); p += len) {
		if ((p == sought->text || p[-1] == ' ') &&
		    (p[len] == ' ' || !p[len]))
			return true;
	}

	return false;
}

int world_until(struct world *w, const char *word)
{
	struct sought sought = { w->history, word };

	return test_run_until(is_there, &sought, 3000);
}

int world_until_seen(const struct phone *p, const char *word)
{
	struct sought sought = { p->log, word };

	return test_run_until(is_there, &sought, 3000);
}

int world_until_phone(struct world *w, const char *word)
{
	return world_until_seen(&w->to, word);
}

struct sought_state {
	struct world *w;
	const char *name;
};

static bool is_in_state(void *arg)
{
	const struct sought_state *sought = arg;

	return 0 == strcmp(gw_call_state_name(world_info(sought->w)->state),
			   sought->name);
}

int world_until_state(struct world *w, const char *state)
{
	struct sought_state sought = { w, state };

	return test_run_until(is_in_state, &sought, 3000);
}

int world_until_ended(struct world *w)
{
	return world_until(w, "call.ended");
}

static void forget(struct phone *phone)
{
	const struct phone *p = phone;
	struct phone fresh = { .us = p->us,
			       .ts = p->ts,
			       .tc = p->tc,
			       .addr = p->addr,
			       .branch = p->branch };

	memcpy(fresh.uri, p->uri, sizeof(fresh.uri));
	memcpy(fresh.tag, p->tag, sizeof(fresh.tag));
	phone->us = NULL;
	phone->ts = NULL;
	phone->tc = NULL;
	phone_close(phone);
	*phone = fresh;
}

void world_next(struct world *w)
{
	w->call = mem_deref(w->call);
	w->ended = 0;
	memset(w->history, 0, sizeof(w->history));
	forget(&w->to);
	forget(&w->from);
	forget(&w->third);
}

const struct gw_call_info *world_info(const struct world *w)
{
	return gw_call_info(w->call);
}

static void ladder_line(const struct gw_ladder_msg *msg, void *arg)
{
	const char *eol = memchr(msg->text, '\r', msg->len);
	char *text = arg;
	const size_t used = strlen(text);

	if (eol)
		(void)re_snprintf(text + used, 4096 - used, "%s %b\n",
				  msg->sent ? ">" : "<", msg->text,
				  (size_t)(eol - msg->text));
}

const char *world_ladder(const struct world *w)
{
	static char text[4096];

	memset(text, 0, sizeof(text));
	(void)gw_call_ladder(w->call, ladder_line, text);
	return text;
}
