/* sip/call_transfer.c - somebody else takes the place of a party.
 *
 *   blind      leaves is let go, stays hears target ring, then talks to it
 *   attended   stays is on hold, leaves talks to target; when leaves hangs up,
 *              stays and target talk; when target does, all is as before
 *   referred   a phone's own REFER: as blind, but leaves is told how it goes and
 *              may have its place back as long as it hasn't hung up
 *
 * target has the role of the one it replaces. When it can't be had and nobody is
 * there to go back to, the call ends with target's cause. */
#include "sip/call_impl.h"

#include <errno.h>
#include <string.h>

#include "sip/address.h"
#include "sip/line.h"

static bool leaves_can_return(const struct gw_move *move)
{
	return move->leaves && gw_leg_is_up(move->leaves);
}

/* Leaves is still one of the two who talk. */
static bool is_consulting(const struct gw_move *move)
{
	return move->kind == GW_MOVE_ATTENDED && leaves_can_return(move);
}

struct gw_leg *gw_call_waiting(const struct gw_call *call,
			       const struct gw_leg *coming)
{
	const struct gw_move *move = &call->move;

	if (move->kind && coming == move->target)
		return is_consulting(move) ? move->leaves : move->stays;

	return gw_call_other(call, coming);
}

static void tell_failed(struct gw_call *call, const struct gw_leg *target)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_TRANSFER_FAILED };
	struct gw_leg_info info;

	gw_leg_info(target, &info);
	ev.role = (int)info.role;
	if (info.sip_code >= 300) {
		ev.sip_code = info.sip_code;
		ev.sip_reason = info.sip_reason;
	}
	gw_call_tell_event(call, &ev);
}

static void clear(struct gw_move *move)
{
	tmr_cancel(&move->begin);
	mem_deref(move->uri);
	memset(move, 0, sizeof(*move));
}

void gw_call_move_stop(struct gw_call *call)
{
	clear(&call->move);
}

/* Its hold may still be under way. */
static void unhold(struct gw_call *call, const struct gw_move *move)
{
	if (!move->was_held && gw_leg_hold(move->stays, false) == EBUSY)
		call->unhold_due = move->stays;
}

void gw_call_move_changed(struct gw_call *call, struct gw_leg *leg)
{
	if (leg != call->unhold_due)
		return;

	call->unhold_due = NULL;
	(void)gw_leg_hold(leg, false);
}

/* Its way ------------------------------------------------------------------ */

static void set_out(struct gw_call *call, struct gw_move *move)
{
	gw_leg_part(move->stays);

	switch (move->kind) {
	case GW_MOVE_ATTENDED:
		call->unhold_due = NULL;
		(void)gw_leg_hold(move->stays, true);
		break;

	case GW_MOVE_REFERRED:
		gw_leg_notify(move->leaves, 100, false);
		call->party[gw_leg_role(move->leaves)] = move->target;
		break;

	default:
		call->party[gw_leg_role(move->leaves)] = move->target;
		gw_leg_end(move->leaves, GW_CAUSE_TRANSFERRED);
		move->leaves = NULL;
		unhold(call, move);
		break;
	}
}

static int begin(struct gw_call *call, enum gw_move_kind kind,
		 struct gw_leg *stays, const char *uri, struct gw_line *line)
{
	struct gw_move *move = &call->move;
	struct gw_leg *leaves = gw_call_other(call, stays);
	struct gw_leg *target;
	struct gw_leg_info info;
	int err;

	if (call->leg_count >= GW_CALL_LEGS_MAX)
		return ENOTSUP;

	line = line ? line : gw_leg_line(leaves);
	if (gw_line_enter(line))
		return EBUSY;

	err = gw_call_add_leg(&target, call, gw_leg_role(leaves), uri, line);
	if (err) {
		gw_line_leave(line);
		return err;
	}
	call->places[call->leg_count - 1] = line;

	gw_leg_info(stays, &info);
	move->kind = kind;
	move->stays = stays;
	move->leaves = leaves;
	move->target = target;
	move->was_held = info.held;

	gw_call_stop_direct(call);
	gw_call_apply(call, GW_IN_TRANSFER);
	gw_call_tell_leg(call, GW_EV_CALL_TRANSFER_STARTED, stays);
	if (call->state != GW_CALL_TRANSFERRING)
		return 0; /* whoever was told has hung up */

	set_out(call, move);
	if (call->state == GW_CALL_TRANSFERRING && move->target == target) {
		gw_leg_start(target);
		gw_call_ring_back(call, target);
	}
	return 0;
}

void gw_call_move_ringing(struct gw_call *call)
{
	const struct gw_move *move = &call->move;

	if (move->kind == GW_MOVE_REFERRED && move->leaves)
		gw_leg_notify(move->leaves, 180, false);
}

static void complete(struct gw_call *call)
{
	struct gw_move move = call->move;
	const enum gw_role role = gw_leg_role(move.target);

	move.uri = mem_ref(move.uri);
	clear(&call->move);
	call->party[role] = move.target;
	if (move.leaves && move.kind == GW_MOVE_REFERRED) {
		gw_leg_notify(move.leaves, 200, true);
		gw_leg_end(move.leaves, GW_CAUSE_TRANSFERRED);
	}

	unhold(call, &move);
	gw_call_apply(call, GW_IN_TRANSFERRED);
	gw_call_record_bridge(call);
	gw_call_tell_leg(call, GW_EV_CALL_TRANSFER_COMPLETED, move.target);
	gw_call_look_at_holds(call);
	mem_deref(move.uri);
}

void gw_call_move_up(struct gw_call *call)
{
	struct gw_move *move = &call->move;

	(void)gw_leg_tone(gw_call_waiting(call, move->target), GW_TONE_NONE,
			  NULL);
	if (is_consulting(move))
		(void)gw_leg_join(move->leaves, move->target);
	else
		complete(call);
}

/* Its end ------------------------------------------------------------------ */

/* Target can't be had, but who leaves is still there. */
static void undo(struct gw_call *call)
{
	struct gw_move move = call->move;

	move.uri = mem_ref(move.uri);
	clear(&call->move);
	call->party[gw_leg_role(move.leaves)] = move.leaves;
	if (move.kind == GW_MOVE_REFERRED) {
		struct gw_leg_info info;

		gw_leg_info(move.target, &info);
		gw_leg_notify(move.leaves,
			      info.sip_code >= 300 ? info.sip_code : 480, true);
	}

	unhold(call, &move);
	gw_call_apply(call, GW_IN_TRANSFER_UNDONE);
	tell_failed(call, move.target);
	gw_call_look_at_holds(call);
	mem_deref(move.uri);
}

/* It hung up while it was with target: its place is target's now. */
static void leaves_gone(struct gw_call *call)
{
	struct gw_move *move = &call->move;

	move->leaves = NULL;
	if (move->kind != GW_MOVE_ATTENDED)
		return;

	if (gw_leg_is_up(move->target)) {
		complete(call);
		return;
	}

	move->kind = GW_MOVE_BLIND;
	call->party[gw_leg_role(move->target)] = move->target;
	unhold(call, move);
	gw_call_ring_back(call, move->target);
}

bool gw_call_move_gone(struct gw_call *call, struct gw_leg *leg)
{
	struct gw_move *move = &call->move;

	if (!move->kind)
		return call->party[gw_leg_role(leg)] != leg;

	if (leg == move->stays)
		return false;

	if (leg == move->target) {
		if (leaves_can_return(move)) {
			undo(call);
			return true;
		}
		tell_failed(call, leg);
		return false;
	}

	if (leg == move->leaves)
		leaves_gone(call);
	return true;
}

/* Whoever wants it --------------------------------------------------------- */

static bool can_be_moved(const struct gw_call *call)
{
	return (call->state == GW_CALL_BRIDGED ||
		call->state == GW_CALL_HELD) &&
	       gw_call_has_two(call) && gw_call_both_up(call);
}

int gw_call_transfer(struct gw_call *call,
		     const struct gw_call_transfer *transfer)
{
	const int role = transfer && transfer->role != GW_ROLE_ANY ?
				 transfer->role :
				 GW_ROLE_TO;
	int err;

	if (!call || !transfer || !transfer->target || role < 0 ||
	    role > GW_ROLE_TO || gw_call_uri_injects(transfer->target))
		return EINVAL;
	if (call->state >= GW_CALL_ENDING)
		return EALREADY;
	if (call->state == GW_CALL_TRANSFERRING || call->move.uri)
		return EBUSY;
	if (!can_be_moved(call))
		return ENOTCONN;

	mem_ref(call);
	err = begin(call, transfer->attended ? GW_MOVE_ATTENDED : GW_MOVE_BLIND,
		    call->party[role], transfer->target, transfer->line);
	mem_deref(call);
	return err;
}

/* The REFER has got its 202 by now. */
static void begin_referred(void *arg)
{
	struct gw_call *call = arg;
	struct gw_move *move = &call->move;
	struct gw_leg *stays = move->stays, *leaves = move->leaves;

	mem_ref(call);
	if (!can_be_moved(call) || gw_call_other(call, stays) != leaves ||
	    begin(call, GW_MOVE_REFERRED, stays, move->uri, NULL)) {
		gw_leg_notify(leaves, 503, true);
		clear(move);
	}
	mem_deref(call);
}

/* A dialog that it wants to be replaced (attended, by the phone itself) is one of
 * a call that we know nothing of, or one of our own two: both are refused. */
uint16_t gw_call_leg_referred(struct gw_leg *leg, const char *target,
			      const char *replaces, void *arg)
{
	struct gw_call *call = arg;
	struct gw_move *move = &call->move;
	char uri[GW_URI_MAX + 1] = "";

	if (replaces || !call->order.targeth || !can_be_moved(call) ||
	    move->kind || move->uri || call->leg_count >= GW_CALL_LEGS_MAX ||
	    call->party[gw_leg_role(leg)] != leg ||
	    !call->order.targeth(uri, sizeof(uri), target, gw_leg_role(leg),
				 call->arg) ||
	    gw_call_uri_injects(uri))
		return 603;
	if (str_dup(&move->uri, uri))
		return 500;

	move->leaves = leg;
	move->stays = gw_call_other(call, leg);
	tmr_start(&move->begin, 0, begin_referred, call);
	return 202;
}
