/* What the files of a call share; nobody else includes it. */
#ifndef BELLPULL_SIP_CALL_IMPL_H
#define BELLPULL_SIP_CALL_IMPL_H

#include <re.h>

#include "sip/browser.h"
#include "sip/call.h"
#include "sip/call_fsm.h"
#include "sip/ladder.h"
#include "sip/leg.h"
#include "sip/moment.h"

struct gw_line_watch;

/* How far the legs are with talking past us. */
enum gw_direct {
	GW_DIRECT_NO,
	GW_DIRECT_FIRST,  /* the first one has been asked */
	GW_DIRECT_SECOND, /* the second one, too          */
	GW_DIRECT_YES,
};

/* How far the first leg is with calling the second one itself. */
enum gw_refer {
	GW_REFER_NO,
	GW_REFER_ASKED,
	GW_REFER_ACCEPTED,
	GW_REFER_OVER,
};

enum gw_move_kind {
	GW_MOVE_NONE,
	GW_MOVE_BLIND,    /* who leaves has gone              */
	GW_MOVE_ATTENDED, /* who leaves talks to target first */
	GW_MOVE_REFERRED, /* who leaves asked for it and is told how it goes */
};

/* A transfer. The legs are the call's. */
struct gw_move {
	enum gw_move_kind kind;
	struct gw_leg *stays, *leaves, *target;
	bool was_held; /* stays, by us, before it began */
	char *uri;     /* that a phone wants us to dial: in the next turn */
	struct tmr begin;
};

struct gw_call {
	struct gw_call_order order; /* strings in text, headers in header */
	char *text;
	struct gw_call_header *headers;
	struct gw_media *media;
	gw_call_event_h *eventh;
	void *arg;

	int64_t origin_ms; /* of its clock: moment.h */
	enum gw_call_state state;
	struct gw_call_info info;
	struct gw_leg *legs[GW_CALL_LEGS_MAX];
	size_t leg_count;
	bool told_held[GW_CALL_LEGS_MAX];
	/* lines that we have a place in, one for each leg: legs[i]'s is places[i] */
	struct gw_line *places[GW_CALL_LEGS_MAX];
	struct gw_line_watch *watches[2];

	enum gw_role first;         /* who is rung first, of two */
	struct gw_leg *party[2];    /* who talks, by role; NULL: nobody yet */
	const struct gw_leg *about; /* the leg that an input is about; or NULL */
	const struct gw_leg
		*decider; /* the leg whose end is the call's; or NULL */
	struct tmr limit;

	const struct gw_leg
		*greeted; /* is played something, has to confirm; NULL */
	bool announcing, confirm_due;
	struct tmr confirm;

	bool told_early;
	enum gw_direct direct;
	struct tmr back; /* legs that can't be called back at once */
	unsigned back_refused;
	enum gw_refer refer;
	struct gw_move move;
	struct gw_leg *unhold_due; /* as soon as its hold is through; or NULL */
	bool recorder_open;        /* recordedh waits for its last piece */

	enum gw_cause intent; /* why we end it, where no leg can say */
	struct gw_ladder ladder;
	char *diagnosis; /* made when first asked for */
};

static inline bool gw_call_has_two(const struct gw_call *call)
{
	return call->order.from != NULL;
}
/* NULL: none (yet). */
struct gw_leg *gw_call_other(const struct gw_call *call,
			     const struct gw_leg *leg);
struct gw_leg *gw_call_first(const struct gw_call *call);
struct gw_leg *gw_call_second(const struct gw_call *call);
/* Both parties are there and up. */
bool gw_call_both_up(const struct gw_call *call);

/* call_order.c: copies into call->order; what was copied is the call's on error,
 * too. Injects: an order that would smuggle in a header of its own. */
int gw_call_order_copy(struct gw_call *call, const struct gw_call_order *from);
bool gw_call_order_injects(const struct gw_call_order *order);
bool gw_call_uri_injects(const char *uri);

/* call_line.c: places in the lines, their states. */
bool gw_call_enter_lines(struct gw_call *call); /* false: one is full */
void gw_call_leave_line(struct gw_call *call, const struct gw_leg *leg);
void gw_call_leave_lines(struct gw_call *call);
int gw_call_watch_lines(struct gw_call *call);
void gw_call_unwatch_lines(struct gw_call *call);
/* Goes on, waits or ends, as the lines are. */
void gw_call_look_at_lines(struct gw_call *call);
struct gw_line *gw_call_line_of(const struct gw_call *call, enum gw_role role);
/* False: it can't be used, and doesn't try to come back. */
bool gw_call_line_hopes(const struct gw_line *line);

/* call_do.c: the state that follows, and all that is to be done about it. */
void gw_call_apply(struct gw_call *call, enum gw_call_input input);
/* The next of the legs; not dialled yet. */
int gw_call_add_leg(struct gw_leg **legp, struct gw_call *call,
		    enum gw_role role, const char *uri, struct gw_line *line);
/* Who was ordered as role is a browser, not a phone. */
bool gw_call_is_browser(const struct gw_call *call, enum gw_role role);
/* The browser may leave before its leg has begun: false when it has already. */
bool gw_call_watch_browser(struct gw_call *call);
void gw_call_unwatch_browser(struct gw_call *call);

/* call_news.c: upwards. */
void gw_call_tell_event(struct gw_call *call, struct gw_call_event *ev);
void gw_call_tell(struct gw_call *call, enum gw_call_event_type type);
void gw_call_tell_leg(struct gw_call *call, enum gw_call_event_type type,
		      const struct gw_leg *leg);
/* Handlers; arg is the call. */
void gw_call_leg_news(struct gw_leg *leg, const struct gw_leg_news *news,
		      void *arg);
void gw_call_leg_wire(bool sent, const char *text, size_t len, void *arg);

/* call_greet.c: what a leg hears and presses before it counts as up. */
void gw_call_greet(struct gw_call *call, struct gw_leg *leg);
void gw_call_greet_played(struct gw_call *call, const struct gw_leg *leg);
void gw_call_greet_digit(struct gw_call *call, struct gw_leg *leg, char digit);
void gw_call_greet_stop(struct gw_call *call);

/* call_bridge.c: who hears what. */
void gw_call_ring_back(struct gw_call *call, const struct gw_leg *coming);
void gw_call_early(struct gw_call *call, struct gw_leg *coming);
void gw_call_heard(struct gw_call *call, const struct gw_leg *coming);
void gw_call_bridge(struct gw_call *call);
void gw_call_join(struct gw_call *call);
/* A leg may have been put on hold, or off it. */
void gw_call_look_at_hold(struct gw_call *call, const struct gw_leg *leg);
void gw_call_look_at_holds(struct gw_call *call);

/* call_direct.c: the legs talk past us. */
void gw_call_go_direct(struct gw_call *call);
void gw_call_direct_changed(struct gw_call *call, struct gw_leg *leg, int err);
void gw_call_stop_direct(struct gw_call *call);

/* call_refer.c: the first leg calls the second itself. */
bool gw_call_refer_first(struct gw_call *call);
void gw_call_referring(struct gw_call *call,
		       const struct gw_session_transfer *news);

/* call_transfer.c: somebody else takes a place. */
void gw_call_move_up(struct gw_call *call);
void gw_call_move_ringing(struct gw_call *call);
/* False: the leg's end is none of the transfer's business. */
bool gw_call_move_gone(struct gw_call *call, struct gw_leg *leg);
void gw_call_move_changed(struct gw_call *call, struct gw_leg *leg);
void gw_call_move_stop(struct gw_call *call);
uint16_t gw_call_leg_referred(struct gw_leg *leg, const char *target,
			      const char *replaces, void *arg);
/* Whom coming will talk to, and who has to wait for it. */
struct gw_leg *gw_call_waiting(const struct gw_call *call,
			       const struct gw_leg *coming);

/* call_record.c */
void gw_call_record_bridge(
	struct gw_call *call); /* (again) between the parties */
void gw_call_record_close(struct gw_call *call);
void gw_call_leg_recorded(struct gw_leg *leg, const struct gw_call_sound *sound,
			  void *arg);

/* call_end.c: the first one who wants it to end gives the reason. */
void gw_call_end_by(struct gw_call *call, enum gw_cause intent,
		    enum gw_ended_by by);
void gw_call_limit_reached(void *arg); /* a timer's handler */
bool gw_call_all_gone(const struct gw_call *call);
void gw_call_leg_gone(struct gw_call *call, struct gw_leg *leg);
void gw_call_release_legs(struct gw_call *call);
void gw_call_tell_ended(struct gw_call *call);
/* Whose SIP code stands for the call: the decider, or who was dialled last. */
const struct gw_leg *gw_call_subject(const struct gw_call *call);

/* call_facts.c: brings info up to date. */
void gw_call_refresh(struct gw_call *call);

#endif
