/* The table of a call's states, pair by pair. */
#include "sip/call_fsm.h"
#include "tests/test.h"

#define UP_TODO                                                  \
	(GW_DO_TELL_ANSWERED | GW_DO_LIMIT_TIME | GW_DO_BRIDGE | \
	 GW_DO_TELL_BRIDGED | GW_DO_ANNOUNCE | GW_DO_GO_ON)

static int follows(enum gw_call_state state, enum gw_call_input input,
		   enum gw_call_state want, unsigned want_todo)
{
	unsigned todo = ~0u;
	const enum gw_call_state got = gw_call_fsm(&todo, state, input);

	CHECK_STR(gw_call_state_name(got), gw_call_state_name(want));
	CHECK_INT(todo, want_todo);
	return 0;
}

/* The life of a call of one leg, start to end. */
static int test_call_fsm_one_leg(void)
{
	static const struct {
		enum gw_call_input in;
		enum gw_call_state to;
		unsigned todo;
	} steps[] = {
		{ GW_IN_LINE_BUSY, GW_CALL_WAITING_FOR_LINE,
		  GW_DO_WAIT_FOR_LINE },
		{ GW_IN_LINE_READY, GW_CALL_DIALING_FIRST, GW_DO_DIAL_FIRST },
		{ GW_IN_FIRST_RINGING, GW_CALL_FIRST_RINGING,
		  GW_DO_TELL_RINGING },
		{ GW_IN_ALL_UP, GW_CALL_BRIDGED, UP_TODO },
		{ GW_IN_HOLD, GW_CALL_HELD, GW_DO_TELL_HOLD },
		{ GW_IN_UNHOLD, GW_CALL_BRIDGED, GW_DO_TELL_UNHOLD },
		{ GW_IN_LEG_LOST, GW_CALL_ENDING, GW_DO_RELEASE },
		{ GW_IN_ALL_GONE, GW_CALL_ENDED, GW_DO_TELL_ENDED },
	};
	enum gw_call_state state = GW_CALL_QUEUED;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (follows(state, steps[i].in, steps[i].to, steps[i].todo))
			return 1;
		state = steps[i].to;
	}

	return 0;
}
TEST(test_call_fsm_one_leg);

/* The life of a call of two legs, with all that can happen in between. */
static int test_call_fsm_two_legs(void)
{
	static const struct {
		enum gw_call_input in;
		enum gw_call_state to;
		unsigned todo;
	} steps[] = {
		{ GW_IN_LINE_READY, GW_CALL_DIALING_FIRST, GW_DO_DIAL_FIRST },
		{ GW_IN_FIRST_RINGING, GW_CALL_FIRST_RINGING,
		  GW_DO_TELL_RINGING },
		{ GW_IN_FIRST_UP, GW_CALL_FIRST_ANSWERED, GW_DO_GREET_FIRST },
		{ GW_IN_FIRST_READY, GW_CALL_DIALING_SECOND,
		  GW_DO_RING_SECOND },
		{ GW_IN_SECOND_RINGING, GW_CALL_SECOND_RINGING, 0 },
		{ GW_IN_REFER_FAILED, GW_CALL_DIALING_SECOND,
		  GW_DO_DIAL_SECOND },
		{ GW_IN_SECOND_RINGING, GW_CALL_SECOND_RINGING, 0 },
		{ GW_IN_ALL_UP, GW_CALL_BRIDGED, UP_TODO },
		{ GW_IN_HOLD, GW_CALL_HELD, GW_DO_TELL_HOLD },
		{ GW_IN_HOLD, GW_CALL_HELD, GW_DO_TELL_HOLD },
		{ GW_IN_STILL_HELD, GW_CALL_HELD, GW_DO_TELL_UNHOLD },
		{ GW_IN_TRANSFER, GW_CALL_TRANSFERRING, 0 },
		{ GW_IN_TRANSFER_UNDONE, GW_CALL_BRIDGED, GW_DO_BRIDGE },
		{ GW_IN_STILL_HELD, GW_CALL_HELD, 0 },
		{ GW_IN_UNHOLD, GW_CALL_BRIDGED, GW_DO_TELL_UNHOLD },
		{ GW_IN_TRANSFER, GW_CALL_TRANSFERRING, 0 },
		{ GW_IN_TRANSFERRED, GW_CALL_BRIDGED, GW_DO_BRIDGE },
		{ GW_IN_UNHOLD, GW_CALL_BRIDGED, GW_DO_TELL_UNHOLD },
		{ GW_IN_LEG_LOST, GW_CALL_ENDING, GW_DO_RELEASE },
		{ GW_IN_ALL_GONE, GW_CALL_ENDED, GW_DO_TELL_ENDED },
	};
	enum gw_call_state state = GW_CALL_QUEUED;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (follows(state, steps[i].in, steps[i].to, steps[i].todo))
			return 1;
		state = steps[i].to;
	}

	return 0;
}
TEST(test_call_fsm_two_legs);

/* An answer without a 18x before it; one that comes before the second rings; and
 * the phone that calls the second one itself. */
static int test_call_fsm_short_cuts(void)
{
	static const enum gw_call_state second[] = { GW_CALL_DIALING_SECOND,
						     GW_CALL_SECOND_RINGING };

	if (follows(GW_CALL_DIALING_FIRST, GW_IN_FIRST_UP,
		    GW_CALL_FIRST_ANSWERED,
		    GW_DO_TELL_RINGING | GW_DO_GREET_FIRST))
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		if (follows(second[i], GW_IN_ALL_UP, GW_CALL_BRIDGED,
			    UP_TODO) ||
		    follows(second[i], GW_IN_HANDED_OVER, GW_CALL_ENDING,
			    GW_DO_HAND_OVER | GW_DO_TELL_ANSWERED |
				    GW_DO_RELEASE) ||
		    follows(second[i], GW_IN_REFER_FAILED,
			    GW_CALL_DIALING_SECOND, GW_DO_DIAL_SECOND))
			return 1;
	}

	return 0;
}
TEST(test_call_fsm_short_cuts);

/* From wherever a call can be, a hang-up leads to ENDING, once; so does a leg that
 * is lost, as soon as there is one. */
static int test_call_fsm_hangup(void)
{
	static const enum gw_call_state living[] = {
		GW_CALL_QUEUED,         GW_CALL_WAITING_FOR_LINE,
		GW_CALL_DIALING_FIRST,  GW_CALL_FIRST_RINGING,
		GW_CALL_FIRST_ANSWERED, GW_CALL_DIALING_SECOND,
		GW_CALL_SECOND_RINGING, GW_CALL_BRIDGED,
		GW_CALL_HELD,           GW_CALL_TRANSFERRING,
	};

	for (size_t i = 0; i < ARRAY_SIZE(living); i++) {
		if (follows(living[i], GW_IN_HANGUP, GW_CALL_ENDING,
			    GW_DO_RELEASE))
			return 1;
		if (living[i] >= GW_CALL_DIALING_FIRST &&
		    follows(living[i], GW_IN_LEG_LOST, GW_CALL_ENDING,
			    GW_DO_RELEASE))
			return 1;
	}

	return follows(GW_CALL_ENDING, GW_IN_HANGUP, GW_CALL_ENDING, 0);
}
TEST(test_call_fsm_hangup);

/* Late news change nothing; ENDED has no way out. */
static int test_call_fsm_late_news(void)
{
	for (int in = 0; in < GW_IN_COUNT; in++) {
		if (follows(GW_CALL_ENDED, (enum gw_call_input)in,
			    GW_CALL_ENDED, 0))
			return 1;
		CHECK(gw_call_input_name((enum gw_call_input)in));
	}

	if (follows(GW_CALL_ENDING, GW_IN_FIRST_RINGING, GW_CALL_ENDING, 0) ||
	    follows(GW_CALL_ENDING, GW_IN_ALL_UP, GW_CALL_ENDING, 0) ||
	    follows(GW_CALL_BRIDGED, GW_IN_FIRST_RINGING, GW_CALL_BRIDGED, 0) ||
	    follows(GW_CALL_BRIDGED, GW_IN_ALL_UP, GW_CALL_BRIDGED, 0) ||
	    follows(GW_CALL_BRIDGED, GW_IN_SECOND_RINGING, GW_CALL_BRIDGED,
		    0) ||
	    follows(GW_CALL_BRIDGED, GW_IN_HANDED_OVER, GW_CALL_BRIDGED, 0) ||
	    follows(GW_CALL_FIRST_RINGING, GW_IN_HOLD, GW_CALL_FIRST_RINGING,
		    0) ||
	    follows(GW_CALL_FIRST_RINGING, GW_IN_TRANSFER,
		    GW_CALL_FIRST_RINGING, 0) ||
	    follows(GW_CALL_TRANSFERRING, GW_IN_TRANSFER, GW_CALL_TRANSFERRING,
		    0) ||
	    follows(GW_CALL_QUEUED, GW_IN_ALL_GONE, GW_CALL_QUEUED, 0))
		return 1;

	for (int s = 0; s < GW_CALL_STATE_COUNT; s++)
		CHECK(gw_call_state_name((enum gw_call_state)s));
	return 0;
}
TEST(test_call_fsm_late_news);
