/* sip/call_fsm.c - which state follows, and what call_do.c has to do about it.
 *
 *   QUEUED --LINE_BUSY--> WAITING_FOR_LINE
 *      |                        |
 *      +------- LINE_READY -----+--> DIALING_FIRST --FIRST_RINGING--> FIRST_RINGING
 *                                        |   |                          |   |
 *                        two legs:       |   +------- FIRST_UP ---------+   |
 *                                        |               v                  |
 *                                        |        FIRST_ANSWERED            |
 *            one leg:                    |               | FIRST_READY      |
 *            ALL_UP is its answer        |               v                  |
 *                                        |        DIALING_SECOND <--+ REFER_FAILED
 *                                        |          |    | SECOND_  |       |
 *                                        |          |    v RINGING  |       |
 *                                        |          |  SECOND_RINGING       |
 *                                        |          |       |               |
 *                                        +----------+ALL_UP-+---------------+
 *                                                       v
 *                      HELD <--HOLD / UNHOLD-------- BRIDGED
 *                        |                            ^   |
 *                        +--------- TRANSFER ---------|---+
 *                                       v             |
 *                                 TRANSFERRING --TRANSFERRED, TRANSFER_UNDONE
 *
 *   from every state:           LEG_LOST or HANGUP --> ENDING --ALL_GONE--> ENDED
 *   DIALING_, SECOND_RINGING:         HANDED_OVER --> ENDING
 *
 * FIRST_ANSWERED lasts as long as something is played to the first leg or it has
 * to press a digit; a second leg that has to do so has answered, but isn't up.
 * ENDING is as short as the last words of the media thread; where no leg has
 * been rung it is passed in the same turn. Pairs that are not listed are late
 * news (a 180 that crossed our CANCEL) and change nothing. ENDED has no way out.
 */
#include <stddef.h>

#include "sip/call_fsm.h"

#define UP_TODO                                                  \
	(GW_DO_TELL_ANSWERED | GW_DO_LIMIT_TIME | GW_DO_BRIDGE | \
	 GW_DO_TELL_BRIDGED | GW_DO_ANNOUNCE | GW_DO_GO_ON)

static const struct rule {
	enum gw_call_state from;
	enum gw_call_input in;
	enum gw_call_state to;
	unsigned todo; /* GW_DO_* bits */
} rules[] = {
	/* clang-format off */
	{ GW_CALL_QUEUED,           GW_IN_LINE_BUSY,     GW_CALL_WAITING_FOR_LINE, GW_DO_WAIT_FOR_LINE },
	{ GW_CALL_QUEUED,           GW_IN_LINE_READY,    GW_CALL_DIALING_FIRST,    GW_DO_DIAL_FIRST },
	{ GW_CALL_QUEUED,           GW_IN_HANGUP,        GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_WAITING_FOR_LINE, GW_IN_LINE_READY,    GW_CALL_DIALING_FIRST,    GW_DO_DIAL_FIRST },
	{ GW_CALL_WAITING_FOR_LINE, GW_IN_HANGUP,        GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_DIALING_FIRST,    GW_IN_FIRST_RINGING,    GW_CALL_FIRST_RINGING,    GW_DO_TELL_RINGING },
	{ GW_CALL_DIALING_FIRST,    GW_IN_FIRST_UP,         GW_CALL_FIRST_ANSWERED,   GW_DO_TELL_RINGING | GW_DO_GREET_FIRST },
	{ GW_CALL_DIALING_FIRST,    GW_IN_ALL_UP,           GW_CALL_BRIDGED,          UP_TODO },
	{ GW_CALL_DIALING_FIRST,    GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_DIALING_FIRST,    GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_FIRST_RINGING,    GW_IN_FIRST_UP,         GW_CALL_FIRST_ANSWERED,   GW_DO_GREET_FIRST },
	{ GW_CALL_FIRST_RINGING,    GW_IN_ALL_UP,           GW_CALL_BRIDGED,          UP_TODO },
	{ GW_CALL_FIRST_RINGING,    GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_FIRST_RINGING,    GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_FIRST_ANSWERED,   GW_IN_FIRST_READY,      GW_CALL_DIALING_SECOND,   GW_DO_RING_SECOND },
	{ GW_CALL_FIRST_ANSWERED,   GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_FIRST_ANSWERED,   GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_DIALING_SECOND,   GW_IN_SECOND_RINGING,   GW_CALL_SECOND_RINGING,   0 },
	{ GW_CALL_DIALING_SECOND,   GW_IN_ALL_UP,           GW_CALL_BRIDGED,          UP_TODO },
	{ GW_CALL_DIALING_SECOND,   GW_IN_REFER_FAILED,     GW_CALL_DIALING_SECOND,   GW_DO_DIAL_SECOND },
	{ GW_CALL_DIALING_SECOND,   GW_IN_HANDED_OVER,      GW_CALL_ENDING,           GW_DO_HAND_OVER | GW_DO_TELL_ANSWERED | GW_DO_RELEASE },
	{ GW_CALL_DIALING_SECOND,   GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_DIALING_SECOND,   GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_SECOND_RINGING,   GW_IN_ALL_UP,           GW_CALL_BRIDGED,          UP_TODO },
	{ GW_CALL_SECOND_RINGING,   GW_IN_REFER_FAILED,     GW_CALL_DIALING_SECOND,   GW_DO_DIAL_SECOND },
	{ GW_CALL_SECOND_RINGING,   GW_IN_HANDED_OVER,      GW_CALL_ENDING,           GW_DO_HAND_OVER | GW_DO_TELL_ANSWERED | GW_DO_RELEASE },
	{ GW_CALL_SECOND_RINGING,   GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_SECOND_RINGING,   GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_BRIDGED,          GW_IN_HOLD,             GW_CALL_HELD,             GW_DO_TELL_HOLD },
	{ GW_CALL_BRIDGED,          GW_IN_STILL_HELD,       GW_CALL_HELD,             0 },
	{ GW_CALL_BRIDGED,          GW_IN_UNHOLD,           GW_CALL_BRIDGED,          GW_DO_TELL_UNHOLD },
	{ GW_CALL_BRIDGED,          GW_IN_TRANSFER,         GW_CALL_TRANSFERRING,     0 },
	{ GW_CALL_BRIDGED,          GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_BRIDGED,          GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_HELD,             GW_IN_HOLD,             GW_CALL_HELD,             GW_DO_TELL_HOLD },
	{ GW_CALL_HELD,             GW_IN_STILL_HELD,       GW_CALL_HELD,             GW_DO_TELL_UNHOLD },
	{ GW_CALL_HELD,             GW_IN_UNHOLD,           GW_CALL_BRIDGED,          GW_DO_TELL_UNHOLD },
	{ GW_CALL_HELD,             GW_IN_TRANSFER,         GW_CALL_TRANSFERRING,     0 },
	{ GW_CALL_HELD,             GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_HELD,             GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_TRANSFERRING,     GW_IN_TRANSFERRED,      GW_CALL_BRIDGED,          GW_DO_BRIDGE },
	{ GW_CALL_TRANSFERRING,     GW_IN_TRANSFER_UNDONE,  GW_CALL_BRIDGED,          GW_DO_BRIDGE },
	{ GW_CALL_TRANSFERRING,     GW_IN_LEG_LOST,         GW_CALL_ENDING,           GW_DO_RELEASE },
	{ GW_CALL_TRANSFERRING,     GW_IN_HANGUP,           GW_CALL_ENDING,           GW_DO_RELEASE },

	{ GW_CALL_ENDING,           GW_IN_ALL_GONE,      GW_CALL_ENDED,            GW_DO_TELL_ENDED },
	/* clang-format on */
};

static const char *const state_names[GW_CALL_STATE_COUNT] = {
	[GW_CALL_QUEUED] = "queued",
	[GW_CALL_WAITING_FOR_LINE] = "waiting_for_line",
	[GW_CALL_DIALING_FIRST] = "dialing_first",
	[GW_CALL_FIRST_RINGING] = "first_ringing",
	[GW_CALL_FIRST_ANSWERED] = "first_answered",
	[GW_CALL_DIALING_SECOND] = "dialing_second",
	[GW_CALL_SECOND_RINGING] = "second_ringing",
	[GW_CALL_BRIDGED] = "bridged",
	[GW_CALL_HELD] = "held",
	[GW_CALL_TRANSFERRING] = "transferring",
	[GW_CALL_ENDING] = "ending",
	[GW_CALL_ENDED] = "ended",
};

static const char *const input_names[GW_IN_COUNT] = {
	[GW_IN_LINE_BUSY] = "line_busy",
	[GW_IN_LINE_READY] = "line_ready",
	[GW_IN_FIRST_RINGING] = "first_ringing",
	[GW_IN_FIRST_UP] = "first_up",
	[GW_IN_FIRST_READY] = "first_ready",
	[GW_IN_SECOND_RINGING] = "second_ringing",
	[GW_IN_ALL_UP] = "all_up",
	[GW_IN_REFER_FAILED] = "refer_failed",
	[GW_IN_HANDED_OVER] = "handed_over",
	[GW_IN_HOLD] = "hold",
	[GW_IN_UNHOLD] = "unhold",
	[GW_IN_STILL_HELD] = "still_held",
	[GW_IN_TRANSFER] = "transfer",
	[GW_IN_TRANSFERRED] = "transferred",
	[GW_IN_TRANSFER_UNDONE] = "transfer_undone",
	[GW_IN_LEG_LOST] = "leg_lost",
	[GW_IN_HANGUP] = "hangup",
	[GW_IN_ALL_GONE] = "all_gone",
};

enum gw_call_state gw_call_fsm(unsigned *todop, enum gw_call_state state,
			       enum gw_call_input input)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].from == state && rules[i].in == input) {
			*todop = rules[i].todo;
			return rules[i].to;
		}
	}

	*todop = 0;
	return state;
}

const char *gw_call_state_name(enum gw_call_state state)
{
	return (unsigned)state < GW_CALL_STATE_COUNT ? state_names[state] :
						       NULL;
}

const char *gw_call_input_name(enum gw_call_input input)
{
	return (unsigned)input < GW_IN_COUNT ? input_names[input] : NULL;
}
