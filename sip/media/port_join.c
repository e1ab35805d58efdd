/* Two ports that talk to each other.
 *
 *   hears (src) --same codec----> numbers of ours --------------> sends (dst)
 *               `-other codec---> ear -> 8/16 kHz -> voice -----'
 *
 * Everything that src hears is handed to gw_port_pass(); how it gets on is
 * decided when the ports are joined, and again when either's codec changes. What
 * is passed on drives dst's stream: its own clock only ticks as long as nothing
 * has come to be passed on, while something is played, and for digits. */
#include "sip/media/port_impl.h"

#include <string.h>

enum { FED_PATIENCE_MS = 5000 }; /* then dst sends silence again */

static enum gw_port_way way_of(const struct gw_port *src,
			       const struct gw_port *dst)
{
	const struct gw_media_codec *a = &src->codec, *b = &dst->codec;

	if (!src->has_remote || !dst->has_remote)
		return GW_WAY_NONE;
	if (!str_casecmp(a->name, b->name) && a->clock_rate == b->clock_rate &&
	    a->channels == b->channels)
		return GW_WAY_RELAY;

	return gw_convert_rate(a->name) && gw_convert_rate(b->name) ?
		       GW_WAY_CONVERT :
		       GW_WAY_NONE;
}

static void update_one(struct gw_port *src, struct gw_port *dst)
{
	src->way = way_of(src, dst);
	if (src->way == GW_WAY_CONVERT)
		gw_voice_codec(&dst->voice, dst->codec.name,
			       dst->player.frames);
	else
		gw_voice_close(&dst->voice);
	gw_port_update_ear(src);
	if (src->way == GW_WAY_NONE || src->muted || !gw_port_may_receive(src))
		dst->fed = false;
	gw_port_update_ticking(dst);
}

void gw_port_update_join(struct gw_port *port)
{
	if (!port->peer)
		return;

	update_one(port, port->peer);
	update_one(port->peer, port);
}

static void leave(struct gw_port *port)
{
	port->peer = NULL;
	port->way = GW_WAY_NONE;
	port->relay.flows = port->fed = false;
	port->event.any = false;
	gw_voice_close(&port->voice);
	gw_port_update_ear(port);
}

void gw_port_part(struct gw_port *port)
{
	struct gw_port *peer = port->peer;

	if (!peer)
		return;

	leave(port);
	leave(peer);
	gw_port_update_ticking(port);
	gw_port_update_ticking(peer);
}

void gw_port_join(struct gw_port *a, struct gw_port *b)
{
	if (a->peer == b)
		return;

	gw_port_part(a);
	gw_port_part(b);
	a->peer = b;
	b->peer = a;
	a->echo_flows = b->echo_flows = false;
	gw_port_update_join(a);
}

void gw_port_mute(struct gw_port *port, bool on)
{
	port->muted = on;
	gw_port_update_join(port);
}

/* ---- passing on ---- */

/* What is played to dst, and digits of our own, go before what src says. */
static bool is_open(const struct gw_port *src, const struct gw_port *dst)
{
	return !src->muted && gw_port_may_receive(src) &&
	       gw_port_may_send(dst) && !gw_player_busy(&dst->player) &&
	       !dst->dtmf_tx.active;
}

static void feed(struct gw_port *dst)
{
	dst->fed_us = gw_port_now_us();
	if (dst->fed)
		return;

	dst->fed = true;
	gw_port_update_ticking(dst);
}

static enum gw_relay_order map(struct gw_port *dst, struct gw_rtp *rtp)
{
	const struct gw_relay_now now = { .seq = dst->seq,
					  .ts = gw_port_ts_now(dst),
					  .us = gw_port_now_us(),
					  .clock_rate = dst->codec.clock_rate };
	const enum gw_relay_order order = gw_relay_map(&dst->relay, rtp, &now);

	if (order == GW_RELAY_NEXT || order == GW_RELAY_FRESH)
		dst->seq = (uint16_t)(rtp->seq + 1);
	return order;
}

static void relay(struct gw_port *dst, const struct gw_rtp *in, bool noise)
{
	struct gw_rtp rtp = *in;
	enum gw_relay_order order;
	uint32_t step;

	feed(dst);
	order = map(dst, &rtp);
	if (order == GW_RELAY_DROP)
		return;

	rtp.marker |= order == GW_RELAY_FRESH || dst->marker;
	if (!noise) {
		rtp.pt = dst->codec.pt_tx;
		dst->marker = false;
	}
	dst->fed_noise = noise;
	gw_port_send_rtp(dst, &rtp);
	if (order == GW_RELAY_LATE)
		return;

	step = dst->relay.step ? dst->relay.step : gw_port_tick_units(dst);
	dst->ts = rtp.ts + step;
	dst->tick_us = dst->relay.us;
}

void gw_port_pass(struct gw_port *src, const struct gw_rtp *rtp, bool noise)
{
	struct gw_port *dst = src->peer;

	if (!dst || src->way != GW_WAY_RELAY)
		return;
	if (rtp->payload_len > GW_PORT_PACKET_MAX ||
	    (noise && dst->codec.clock_rate != 8000))
		return;

	if (is_open(src, dst))
		relay(dst, rtp, noise);
	else
		dst->relay.flows = false;
}

/* ---- converting ---- */

static void send_voice(const uint8_t *payload, size_t len, void *arg)
{
	struct gw_port *dst = arg;

	if (len)
		gw_port_send_payload(dst, payload, len);
	dst->ts += gw_port_tick_units(dst) * dst->voice.frames;
	dst->tick_us = gw_port_now_us();
}

/* The first sound of a flow goes where our stream stands. */
static void begin_voice(struct gw_port *dst)
{
	if (dst->relay.flows)
		return;

	dst->ts = gw_port_ts_now(dst);
	dst->tick_us = gw_port_now_us();
	dst->marker = true;
	dst->relay.flows = true;
	gw_voice_drop(&dst->voice);
}

void gw_port_pass_sound(struct gw_port *src, const int16_t *samples,
			size_t count, uint32_t rate)
{
	struct gw_port *dst = src->peer;

	if (!dst || src->way != GW_WAY_CONVERT)
		return;
	if (!is_open(src, dst)) {
		dst->relay.flows = false;
		return;
	}

	feed(dst);
	dst->fed_noise = false;
	begin_voice(dst);
	gw_voice_put(&dst->voice, samples, count, rate, send_voice, dst);
}

void gw_port_pass_pause(struct gw_port *src, uint32_t samples, uint32_t rate,
			bool fresh)
{
	struct gw_port *dst = src->peer;

	if (!dst || src->way != GW_WAY_CONVERT || !dst->relay.flows)
		return;
	if (fresh || !is_open(src, dst)) {
		dst->relay.flows = false;
		return;
	}

	gw_voice_flush(&dst->voice, &samples, rate, send_voice, dst);
	dst->ts += (uint32_t)((uint64_t)samples * dst->codec.clock_rate / rate);
	dst->marker = true;
}

/* ---- events ---- */

/* An event's packets all have the time of its start; they get one of ours. */
static void place_event(struct gw_port *src, struct gw_port *dst,
			const struct gw_rtp *rtp)
{
	struct gw_port_event *event = &dst->event;
	const bool in_step = src->way == GW_WAY_RELAY && dst->relay.flows &&
			     dst->relay.ssrc == rtp->ssrc &&
			     gw_port_dtmf_rate(src) == src->codec.clock_rate;

	if (event->any && event->in_ts == rtp->ts && event->ssrc == rtp->ssrc)
		return;

	event->any = true;
	event->ssrc = rtp->ssrc;
	event->in_ts = rtp->ts;
	event->out_ts = in_step ? rtp->ts + dst->relay.ts_offset :
				  gw_port_ts_now(dst);
}

/* The duration, in the other clock. */
static void write_event(uint8_t payload[GW_DTMF_PAYLOAD],
			const struct gw_rtp *rtp, uint32_t from, uint32_t to)
{
	uint64_t duration =
		(uint64_t)(rtp->payload[2] << 8 | rtp->payload[3]) * to / from;

	if (duration > UINT16_MAX)
		duration = UINT16_MAX;
	payload[0] = rtp->payload[0];
	payload[1] = rtp->payload[1];
	payload[2] = (uint8_t)(duration >> 8);
	payload[3] = (uint8_t)duration;
}

void gw_port_pass_event(struct gw_port *src, const struct gw_rtp *in)
{
	struct gw_port *dst = src->peer;
	uint8_t payload[GW_DTMF_PAYLOAD];
	struct gw_rtp rtp = *in;

	gw_ear_skip(&src->ear, in);
	if (!dst || in->payload_len < GW_DTMF_PAYLOAD ||
	    dst->codec.pt_dtmf_tx < 0 || src->muted || dst->dtmf_tx.active ||
	    !gw_port_may_receive(src) || !gw_port_may_send(dst))
		return;

	write_event(payload, in, gw_port_dtmf_rate(src),
		    gw_port_dtmf_rate(dst));
	place_event(src, dst, in);

	if (src->way == GW_WAY_RELAY && dst->relay.flows &&
	    dst->relay.ssrc == in->ssrc) {
		const uint32_t in_ts = dst->relay.in_ts;

		/* by number alone: its time is that of the event's start */
		rtp.ts = in_ts;
		if (map(dst, &rtp) == GW_RELAY_DROP)
			return;
	} else {
		rtp.seq = dst->seq++;
	}

	rtp.ts = dst->event.out_ts;
	rtp.pt = (uint8_t)dst->codec.pt_dtmf_tx;
	rtp.payload = payload;
	rtp.payload_len = sizeof(payload);
	gw_port_send_rtp(dst, &rtp);
}

/* ---- pauses ---- */

void gw_port_check_fed(struct gw_port *port)
{
	const int64_t idle_ms = (gw_port_now_us() - port->fed_us) / 1000;

	if (!port->fed || port->fed_noise || idle_ms < FED_PATIENCE_MS)
		return;

	port->fed = false;
	gw_port_update_ticking(port);
}
