/* Which state of a call follows which, and what is to be done about it. Pure. */
#ifndef BELLPULL_SIP_CALL_FSM_H
#define BELLPULL_SIP_CALL_FSM_H

#include "sip/call.h"

enum gw_call_input {
	GW_IN_LINE_BUSY,     /* the line is still registering             */
	GW_IN_LINE_READY,    /* a request may go out                      */
	GW_IN_FIRST_RINGING, /* first 18x of the leg that is rung first   */
	GW_IN_ALL_UP,        /* the last leg that was missing has answered */
	GW_IN_HOLD,          /* the far side put us on hold               */
	GW_IN_UNHOLD,
	GW_IN_LEG_LOST, /* a leg has ended without our wish          */
	GW_IN_HANGUP,   /* API, timer, line or shutdown want the end */
	GW_IN_ALL_GONE, /* every leg has ended                       */
	GW_IN_COUNT
};
const char *gw_call_input_name(enum gw_call_input input);

/* What call_do.c carries out, in the order of the bits. */
enum gw_call_todo {
	GW_DO_WAIT_FOR_LINE = 1 << 0,
	GW_DO_DIAL_FIRST = 1 << 1,
	GW_DO_TELL_RINGING = 1 << 2,
	GW_DO_TELL_ANSWERED = 1 << 3,
	GW_DO_LIMIT_TIME = 1 << 4,
	GW_DO_TELL_BRIDGED = 1 << 5,
	GW_DO_ANNOUNCE = 1 << 6,
	GW_DO_TELL_HOLD = 1 << 7,
	GW_DO_TELL_UNHOLD = 1 << 8,
	GW_DO_RELEASE = 1 << 9, /* end every leg that is not ended */
	GW_DO_TELL_ENDED = 1 << 10,
};

/* Returns the state that follows and sets *todop; late news (a pair that is not
 * in the table) change nothing and ask for nothing. */
enum gw_call_state gw_call_fsm(unsigned *todop, enum gw_call_state state,
			       enum gw_call_input input);

#endif
