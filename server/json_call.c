/* A call and its legs as the API shows them. See json.h. */
#include "server/json_impl.h"

static void write_sip(struct gw_writer *w, uint16_t code, const char *reason,
		      const char *header)
{
	gw_write_open(w, "sip", '{');
	gw_json_write_code(w, "code", code);
	gw_write_string(w, "reason", reason);
	gw_write_string(w, "reason_header", header);
	gw_write_close(w, '}');
}

static void write_quality(struct gw_writer *w, const struct gw_leg_info *leg)
{
	const struct gw_media_stats *q = &leg->quality;

	if (!leg->has_quality) {
		gw_write_null(w, "quality");
		return;
	}
	gw_write_open(w, "quality", '{');
	gw_write_int(w, "sent", q->sent);
	gw_write_int(w, "received", q->received);
	gw_write_int(w, "lost", q->lost);
	gw_write_fixed1(w, "jitter_ms", q->jitter_us / 1000.0);
	if (q->rtt_us)
		gw_write_fixed1(w, "rtt_ms", q->rtt_us / 1000.0);
	else
		gw_write_null(w, "rtt_ms");
	if (q->mos_x100)
		gw_write_fixed1(w, "mos", q->mos_x100 / 100.0);
	else
		gw_write_null(w, "mos");
	if (q->any)
		gw_write_int(w, "first_packet_ms", q->first_packet_ms);
	else
		gw_write_null(w, "first_packet_ms");
	gw_write_close(w, '}');
}

static void write_leg(struct gw_writer *w, const struct gw_leg_info *leg,
		      const char *line)
{
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "role", gw_role_name((int)leg->role));
	gw_write_string(w, "uri", leg->uri);
	gw_write_string(w, "line", leg->line ? leg->line : line);
	gw_write_string(w, "state", gw_leg_state_name(leg->state));
	gw_write_string(w, "status", gw_status_name(leg->status));
	gw_write_string(w, "sip_call_id", leg->sip_call_id);
	gw_write_string(w, "codec", leg->codec);
	gw_write_bool(w, "muted", leg->muted);
	gw_write_bool(w, "held", leg->held);
	gw_write_string(w, "cause_hint", leg->cause_hint);
	gw_write_time(w, "ringing_at", leg->ringing_at_ms);
	gw_write_time(w, "answered_at", leg->answered_at_ms);
	gw_write_time(w, "ended_at", leg->ended_at_ms);
	gw_write_string(w, "cause", gw_cause_name(leg->outcome.cause));
	write_sip(w, leg->sip_code, leg->sip_reason, leg->reason_header);
	write_quality(w, leg);
	gw_write_close(w, '}');
}

void gw_json_write_recording_members(struct gw_writer *w, const char *call_id,
				     const struct gw_recording_view *recording)
{
	char url[64];

	(void)re_snprintf(url, sizeof(url), "/calls/%s/recording", call_id);
	gw_write_fixed1(w, "duration", recording->duration_ms / 1000.0);
	gw_write_int(w, "size", (int64_t)recording->bytes);
	gw_write_string(w, "url", url);
}

void gw_json_write_recording(struct gw_writer *w, const char *call_id,
			     const struct gw_recording_view *recording)
{
	static const char *const states[] = {
		[GW_RECORDING_RUNS] = "recording",
		[GW_RECORDING_SAVING] = "saving",
		[GW_RECORDING_SAVED] = "saved",
	};

	if (recording->state == GW_RECORDING_NONE) {
		gw_write_null(w, "recording");
		return;
	}
	gw_write_open(w, "recording", '{');
	gw_write_string(w, "state", states[recording->state]);
	if (recording->state == GW_RECORDING_SAVED) {
		gw_json_write_recording_members(w, call_id, recording);
	} else {
		gw_write_null(w, "duration");
		gw_write_null(w, "size");
		gw_write_null(w, "url");
	}
	gw_write_close(w, '}');
}

/* A leg that was not dialled yet knows no line of its own. */
static const char *line_of(const struct gw_call_view *view,
			   const struct gw_leg_info *leg)
{
	return leg->role == GW_ROLE_FROM && view->from_line ? view->from_line :
							      view->line;
}

/* auto has no other way than relay. */
static const char *join_name(enum gw_join join)
{
	return gw_join_name(join == GW_JOIN_AUTO ? GW_JOIN_RELAY : join);
}

/* Whole seconds between two moments, rounded; 0 when one of them is missing. */
static int64_t seconds(int64_t from_ms, int64_t to_ms)
{
	return from_ms && to_ms > from_ms ? (to_ms - from_ms + 500) / 1000 : 0;
}

static const char *given(const char *text)
{
	return text && *text ? text : NULL;
}

static void write_later(struct gw_writer *w, const struct gw_later_view *l)
{
	gw_write_time(w, "not_before", l->not_before_ms);
	gw_write_time(w, "expires_at", l->expires_at_ms);
	gw_write_int(w, "attempt", l->attempt ? l->attempt : 1);
	gw_write_string(w, "retry_of", given(l->retry_of));
	gw_write_string(w, "next_attempt", given(l->next));
	gw_write_time(w, "next_attempt_at", l->next_ms);
}

int gw_json_write_call(struct mbuf *mb, const struct gw_call_view *view)
{
	const struct gw_call_info *in = view->info;
	struct gw_writer w;
	size_t i;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "id", view->id);
	gw_write_string(&w, "object", "call");
	gw_write_int(&w, "revision", view->revision);
	gw_write_string(&w, "status", gw_status_name(in->status));
	gw_write_string(&w, "state", gw_call_state_name(in->state));
	gw_write_string(&w, "direction", "outbound-api");
	gw_write_string(&w, "to", view->to);
	gw_write_string(&w, "from", view->from);
	gw_write_string(&w, "line", view->line);
	gw_write_string(&w, "from_line", view->from_line);
	gw_write_string(&w, "join", join_name(in->join));
	gw_write_bool(&w, "handed_over", in->handed_over);
	gw_write_time(&w, "created_at", view->created_at_ms);
	gw_write_time(&w, "started_at", in->started_at_ms);
	gw_write_time(&w, "ringing_at", in->ringing_at_ms);
	gw_write_time(&w, "answered_at", in->answered_at_ms);
	gw_write_time(&w, "bridged_at", in->bridged_at_ms);
	gw_write_time(&w, "ended_at", in->ended_at_ms);
	gw_write_int(&w, "duration",
		     seconds(in->answered_at_ms, in->ended_at_ms));
	gw_write_int(&w, "ring_duration",
		     seconds(in->ringing_at_ms, in->answered_at_ms ?
							in->answered_at_ms :
							in->ended_at_ms));
	gw_write_string(&w, "ended_by", gw_ended_by_name(in->ended_by));
	gw_write_string(&w, "failed_leg", gw_role_name(in->failed_leg));
	gw_write_string(&w, "cause", gw_cause_name(in->outcome.cause));
	gw_json_write_code(&w, "q850", in->outcome.q850);
	write_sip(&w, in->sip_code, in->sip_reason, in->reason_header);
	gw_write_open(&w, "legs", '[');
	for (i = 0; i < in->leg_count; i++)
		write_leg(&w, &in->legs[i], line_of(view, &in->legs[i]));
	gw_write_close(&w, ']');
	gw_json_write_recording(&w, view->id, &view->recording);
	write_later(&w, &view->later);
	gw_write_string(&w, "client_state", view->client_state);
	if (view->metadata)
		gw_write_raw(&w, "metadata", (const char *)view->metadata->buf,
			     view->metadata->end);
	else
		gw_write_null(&w, "metadata");
	gw_write_open(&w, "links", '{');
	w.err |= mbuf_printf(
		mb,
		"\"self\":\"/calls/%s\",\"events\":\"/calls/%s/events\","
		"\"sip\":\"/calls/%s/sip\"}}",
		view->id, view->id, view->id);
	return w.err;
}
