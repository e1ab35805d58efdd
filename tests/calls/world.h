/* A gateway without HTTP: stack, line, media, one call at a time, and a phone on
 * the other side of a real socket. Closed by itself when the test is over. */
#ifndef TESTS_CALLS_WORLD_H
#define TESTS_CALLS_WORLD_H

#include "sip/call.h"
#include "sip/libre/tmr_heap.h"
#include "sip/line.h"
#include "sip/stack.h"
#include "tests/calls/phone.h"
#include "tests/test.h"

struct world {
	struct gw_stack *stack;
	struct gw_media *media;
	struct gw_line *line;
	struct gw_call *call;
	struct phone to, from; /* the other one stays silent with one leg */
	struct phone third;    /* whom they are transferred to */

	/* "call.initiated leg.initiated ...", with two legs "leg.initiated(from)" */
	char history[2048];
	bool two;       /* the call has two legs */
	unsigned ended; /* how many call.ended */
	char digits[32];
	bool refuses_targets;                /* what targeth says */
	char target[128];                    /* what it was asked */
	enum gw_call_state state_at_ringing; /* of the last leg.ringing */
	enum gw_role target_role; /* whose line it is to be dialled by */
	unsigned pieces, last_pieces, pieces_before; /* of a recording */
	/* hangs the call up from inside of the handler of this event */
	const char *hang_up_at;
};

/* Of the lines of worlds that are opened, until it is 0 again. */
extern uint32_t world_session_expires_s;

/* tp: how the line reaches the phone. */
int world_open(struct world **wp, enum gw_transport tp);

/* Places the call; what order leaves out is filled in. */
int world_call(struct world *w, const struct gw_call_order *order);
/* The same between from and to. */
int world_call_two(struct world *w, const struct gw_call_order *order);
/* Two phones that answer, until they are bridged and both have their ACK. */
int world_bring_up_two(struct world *w, const struct gw_call_order *order);

/* Runs until word stands in the history, or in the phone's log. */
int world_until(struct world *w, const char *word);
int world_until_phone(struct world *w, const char *word);
int world_until_seen(const struct phone *p, const char *word);
int world_until_state(struct world *w, const char *state);
int world_until_ended(struct world *w);

/* Gives up the ended call, so that another can be placed. */
void world_next(struct world *w);

const struct gw_call_info *world_info(const struct world *w);
/* The ladder: first lines, one each; static. */
const char *world_ladder(const struct world *w);

#define CHECK_OUTCOME(w, status_, cause_, q850_)                        \
	do {                                                            \
		const struct gw_call_info *info_ = world_info(w);       \
		CHECK_STR(gw_status_name(info_->status), status_);      \
		CHECK_STR(gw_cause_name(info_->outcome.cause), cause_); \
		CHECK_INT(info_->outcome.q850, q850_);                  \
		CHECK_INT((w)->ended, 1);                               \
	} while (0)

#define CHALLENGE_407 \
	"Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n"

#endif
