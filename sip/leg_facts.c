/* sip/leg_facts.c - what is known of a leg. */
#include "sip/leg_impl.h"

#include "sip/line.h"

static const struct gw_session_facts *facts_of(const struct gw_leg *leg)
{
	return leg->session ? gw_session_facts(leg->session) : &leg->facts;
}

enum gw_leg_state gw_leg_state(const struct gw_leg *leg)
{
	return leg->state;
}

enum gw_role gw_leg_role(const struct gw_leg *leg)
{
	return leg->role;
}

struct gw_line *gw_leg_line(const struct gw_leg *leg)
{
	return leg->line;
}

const char *gw_leg_codec(const struct gw_leg *leg)
{
	return leg->has_sound ? leg->codec.name : NULL;
}

bool gw_leg_takes_events(const struct gw_leg *leg)
{
	return leg->has_sound && leg->codec.pt_dtmf_tx >= 0;
}

static enum gw_status status_of(const struct gw_leg *leg)
{
	if (leg->state == GW_LEG_ENDED)
		return leg->outcome.status;
	if (leg->answered_at_ms)
		return GW_STATUS_IN_PROGRESS;

	return leg->ringing_at_ms ? GW_STATUS_RINGING : GW_STATUS_QUEUED;
}

void gw_leg_info(const struct gw_leg *leg, struct gw_leg_info *info)
{
	const struct gw_session_facts *facts = facts_of(leg);

	*info = (struct gw_leg_info){
		.role = leg->role,
		.state = leg->state,
		.status = status_of(leg),
		.uri = leg->uri,
		.sip_call_id = leg->call_id,
		.codec = leg->codec_name[0] ? leg->codec_name : NULL,
		.ringing_at_ms = leg->ringing_at_ms,
		.answered_at_ms = leg->answered_at_ms,
		.ended_at_ms = leg->ended_at_ms,
		.sip_code = facts->sip_code,
		.sip_reason = facts->sip_code ? facts->sip_reason : NULL,
		.reason_header = facts->reason_header,
		.quality = leg->quality,
		.has_quality = leg->has_quality,
		.muted = leg->muted,
		.held = leg->held,
		.line = gw_line_name(leg->line),
		.cause_hint = leg->hint,
	};
	if (leg->state == GW_LEG_ENDED)
		info->outcome = leg->outcome;
}

void gw_leg_clues(const struct gw_leg *leg, struct gw_leg_clues *clues)
{
	const struct gw_session_facts *facts = facts_of(leg);

	*clues = (struct gw_leg_clues){
		.provisional = facts->provisional,
		.challenged = facts->challenged,
		.they_speak = leg->they_speak,
		.sdp_fault = leg->sdp_fault,
		.redirected_to = facts->contact,
		.redirect_fault = leg->redirect_fault,
		.private_address = leg->private_address,
		.err = facts->err,
	};
}

int gw_leg_dialog_print(struct mbuf *mb, const struct gw_leg *leg)
{
	return gw_session_print(mb, leg->session);
}
