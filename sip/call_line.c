/* sip/call_line.c - the lines of a call: a place in each for each leg, and whether
 * requests may go out. */
#include "sip/call_impl.h"

#include "sip/line.h"

struct gw_line *gw_call_line_of(const struct gw_call *call, enum gw_role role)
{
	const struct gw_call_order *order = &call->order;

	return role == GW_ROLE_FROM && order->from_line ? order->from_line :
							  order->line;
}

/* Places ------------------------------------------------------------------- */

bool gw_call_enter_lines(struct gw_call *call)
{
	const enum gw_role roles[] = { call->first,
				       (enum gw_role) !call->first };
	const size_t count = gw_call_has_two(call) ? 2 : 1;

	for (size_t i = 0; i < count; i++) {
		struct gw_line *line = gw_call_line_of(call, roles[i]);

		if (gw_call_is_browser(call, roles[i]))
			continue;
		if (gw_line_enter(line))
			return false;
		call->places[i] = line;
	}

	return true;
}

static void leave(struct gw_call *call, size_t i)
{
	struct gw_line *line = call->places[i];

	call->places[i] = NULL;
	if (line)
		gw_line_leave(line);
}

void gw_call_leave_line(struct gw_call *call, const struct gw_leg *leg)
{
	for (size_t i = 0; i < call->leg_count; i++) {
		if (call->legs[i] == leg)
			leave(call, i);
	}
}

void gw_call_leave_lines(struct gw_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(call->places); i++)
		leave(call, i);
}

/* States ------------------------------------------------------------------- */

enum readiness { READY, SOON, NOT };

static enum readiness readiness_of(const struct gw_line *line)
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

/* A browser needs no line to be reached by. */
static enum readiness readiness_for(const struct gw_call *call,
				    enum gw_role role)
{
	return gw_call_is_browser(call, role) ?
		       READY :
		       readiness_of(gw_call_line_of(call, role));
}

bool gw_call_line_hopes(const struct gw_line *line)
{
	return readiness_of(line) != NOT;
}

static void line_changed(struct gw_line *line, void *arg)
{
	struct gw_call *call = arg;
	(void)line;

	mem_ref(call);
	gw_call_look_at_lines(call);
	mem_deref(call);
}

int gw_call_watch_lines(struct gw_call *call)
{
	int err = gw_line_watch(&call->watches[0], call->order.line,
				line_changed, call);

	if (!err && gw_call_has_two(call) && call->order.from_line &&
	    call->order.from_line != call->order.line)
		err = gw_line_watch(&call->watches[1], call->order.from_line,
				    line_changed, call);
	return err;
}

void gw_call_unwatch_lines(struct gw_call *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(call->watches); i++)
		call->watches[i] = mem_deref(call->watches[i]);
}

void gw_call_look_at_lines(struct gw_call *call)
{
	enum readiness worst = readiness_for(call, GW_ROLE_TO);

	if (gw_call_has_two(call)) {
		const enum readiness from = readiness_for(call, GW_ROLE_FROM);

		worst = from > worst ? from : worst;
	}

	switch (worst) {
	case READY:
		gw_call_apply(call, GW_IN_LINE_READY);
		break;

	case SOON:
		gw_call_apply(call, GW_IN_LINE_BUSY);
		break;

	case NOT:
		gw_call_end_by(call, GW_CAUSE_LINE_NOT_REGISTERED,
			       GW_ENDED_BY_LINE);
		break;
	}
}
