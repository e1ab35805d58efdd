/* Which state of a call follows which, and what is to be done about it. Pure. */
#ifndef BELLPULL_SIP_CALL_FSM_H
#define BELLPULL_SIP_CALL_FSM_H

#include "sip/call.h"

enum gw_call_input {
	GW_IN_LINE_BUSY,     /* the line is still registering             */
	GW_IN_LINE_READY,    /* a request may go out                      */
	GW_IN_FIRST_RINGING, /* first 18x of the leg that is rung first   */
	GW_IN_FIRST_UP,      /* it has answered, and another one is to follow */
	GW_IN_FIRST_READY,   /* it has heard and confirmed what it had to */
	GW_IN_SECOND_RINGING,
	GW_IN_ALL_UP,       /* the last leg that was missing is ready    */
	GW_IN_REFER_FAILED, /* the first leg doesn't call the second itself */
	GW_IN_HANDED_OVER,  /* it does, and they talk                    */
	GW_IN_HOLD,         /* a leg is on hold                          */
	GW_IN_UNHOLD,       /* and none is any more                      */
	GW_IN_STILL_HELD,   /* one less, but not the last                */
	GW_IN_TRANSFER,     /* a place is to be taken by somebody else   */
	GW_IN_TRANSFERRED,  /* it is                                     */
	GW_IN_TRANSFER_UNDONE, /* it isn't, and all is as before          */
	GW_IN_LEG_LOST,        /* a leg has ended without our wish          */
	GW_IN_HANGUP,          /* API, timer, line or shutdown want the end */
	GW_IN_ALL_GONE,        /* every leg has ended                       */
	GW_IN_COUNT
};
const char *gw_call_input_name(enum gw_call_input input);

/* What call_do.c carries out, in the order of the bits. */
enum gw_call_todo {
	GW_DO_WAIT_FOR_LINE = 1 << 0,
	GW_DO_DIAL_FIRST = 1 << 1,
	GW_DO_TELL_RINGING = 1 << 2,
	GW_DO_GREET_FIRST = 1 << 3, /* announce, confirm */
	GW_DO_RING_SECOND = 1 << 4, /* or have the first one do it */
	GW_DO_DIAL_SECOND = 1 << 5,
	GW_DO_HAND_OVER = 1 << 6,
	GW_DO_TELL_ANSWERED = 1 << 7,
	GW_DO_LIMIT_TIME = 1 << 8,
	GW_DO_BRIDGE = 1 << 9, /* sound flows between the legs */
	GW_DO_TELL_BRIDGED = 1 << 10,
	GW_DO_ANNOUNCE = 1 << 11,
	GW_DO_GO_ON = 1 << 12, /* what was ordered for after the bridge */
	GW_DO_TELL_HOLD = 1 << 13,
	GW_DO_TELL_UNHOLD = 1 << 14,
	GW_DO_RELEASE = 1 << 15, /* end every leg that is not ended */
	GW_DO_TELL_ENDED = 1 << 16,
};

/* Returns the state that follows and sets *todop; late news (a pair that is not
 * in the table) change nothing and ask for nothing. */
enum gw_call_state gw_call_fsm(unsigned *todop, enum gw_call_state state,
			       enum gw_call_input input);

#endif
