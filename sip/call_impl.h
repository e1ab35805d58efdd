/* What the files of a call share; nobody else includes it. */
#ifndef BELLPULL_SIP_CALL_IMPL_H
#define BELLPULL_SIP_CALL_IMPL_H

#include <re.h>

#include "sip/call.h"
#include "sip/call_fsm.h"
#include "sip/ladder.h"

struct gw_leg;
struct gw_leg_news;
struct gw_line_watch;

struct gw_call {
	struct gw_call_order order; /* strings in text, headers in header */
	char *text;
	struct gw_call_header *headers;
	struct gw_media *media;
	gw_call_event_h *eventh;
	void *arg;

	enum gw_call_state state;
	struct gw_call_info info;
	struct gw_leg *legs[GW_CALL_LEGS_MAX];
	size_t leg_count;
	struct gw_line_watch *watch;
	bool has_place; /* among the line's calls */
	struct tmr limit;

	enum gw_cause intent; /* why we end it, where no leg can say */
	struct gw_ladder ladder;
	char *diagnosis; /* made when first asked for */
};

int64_t gw_call_now_ms(void);

/* call_order.c: copies into call->order; what was copied is the call's on error,
 * too. Injects: an order that would smuggle in a header of its own. */
int gw_call_order_copy(struct gw_call *call, const struct gw_call_order *from);
bool gw_call_order_injects(const struct gw_call_order *order);

/* call_do.c: the state that follows, and all that is to be done about it. */
void gw_call_apply(struct gw_call *call, enum gw_call_input input);

/* call_news.c: upwards. */
void gw_call_tell_event(struct gw_call *call, struct gw_call_event *ev);
void gw_call_tell(struct gw_call *call, enum gw_call_event_type type);
void gw_call_tell_leg(struct gw_call *call, enum gw_call_event_type type,
		      const struct gw_leg *leg);
/* Handlers; arg is the call. */
void gw_call_leg_news(struct gw_leg *leg, const struct gw_leg_news *news,
		      void *arg);
void gw_call_leg_wire(bool sent, const char *text, size_t len, void *arg);
void gw_call_line_changed(struct gw_line *line, void *arg);
/* Goes on, waits or ends, as the line is. */
void gw_call_look_at_line(struct gw_call *call);

/* call_end.c: the first one who wants it to end gives the reason. */
void gw_call_end_by(struct gw_call *call, enum gw_cause intent,
		    enum gw_ended_by by);
void gw_call_limit_reached(void *arg); /* a timer's handler */
bool gw_call_all_gone(const struct gw_call *call);
void gw_call_release_legs(struct gw_call *call);
void gw_call_tell_ended(struct gw_call *call);

/* call_facts.c: brings info up to date. */
void gw_call_refresh(struct gw_call *call);

#endif
