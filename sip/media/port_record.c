/* What ports hear, recorded: the left one keeps the recording and tells its
 * pieces; either one hears for a channel of it. */
#include "sip/media/port_impl.h"

#include "sip/media/recording.h"

enum { FLUSH_MS = 1000 };

static void on_piece(int16_t *samples, size_t pairs, bool last, void *arg)
{
	struct gw_port *left = arg;
	const struct gw_media_fact fact = {
		.type = GW_MEDIA_RECORDED,
		.local_port = left->number,
		.recorded = { .pairs = pairs,
			      .rate = gw_recording_rate(left->recording),
			      .last = last },
	};

	left->owner.pieceh(&fact, samples, left->owner.fact_arg);
}

static void on_flush(void *arg)
{
	struct gw_port *left = arg;

	tmr_start(&left->record_tmr, FLUSH_MS, on_flush, left);
	gw_recording_flush(left->recording, gw_port_now_us());
}

static uint32_t rate_of(const struct gw_port *left, const struct gw_port *right)
{
	const bool wide = gw_convert_rate(left->codec.name) > 8000 ||
			  (right && gw_convert_rate(right->codec.name) > 8000);

	return wide ? 16000 : 8000;
}

/* port is not recorded any more. */
static void let_go(struct gw_port *port)
{
	struct gw_port *left = port->recorded_by;

	if (!left)
		return;
	if (left->recorded_right == port)
		left->recorded_right = NULL;
	port->recorded_by = NULL;
	gw_port_update_ear(port);
}

static void hold(struct gw_port *port, struct gw_port *left, unsigned channel)
{
	gw_port_end_recording(port);
	port->recorded_by = left;
	port->recorded_channel = channel;
}

void gw_port_end_recording(struct gw_port *port)
{
	let_go(port);
	if (!port->recording)
		return;

	if (port->recorded_right)
		let_go(port->recorded_right);
	tmr_cancel(&port->record_tmr);
	gw_recording_end(port->recording, gw_port_now_us());
	port->recording = mem_deref(port->recording);
}

/* Without memory the recording is over before it began. */
static void tell_no_recording(struct gw_port *left)
{
	const struct gw_media_fact fact = { .type = GW_MEDIA_RECORDED,
					    .err = ENOMEM,
					    .local_port = left->number,
					    .recorded = { .last = true } };

	left->owner.pieceh(&fact, NULL, left->owner.fact_arg);
}

void gw_port_record(struct gw_port *left, struct gw_port *right, bool on)
{
	if (!on) {
		gw_port_end_recording(left);
		return;
	}

	if (!left->recording) {
		struct gw_recording *rec = NULL;

		if (gw_recording_alloc(&rec, rate_of(left, right),
				       gw_port_now_us(), on_piece, left)) {
			tell_no_recording(left);
			return;
		}
		hold(left, left, 0);
		left->recording = rec;
		tmr_start(&left->record_tmr, FLUSH_MS, on_flush, left);
	}

	if (right == left->recorded_right || right == left)
		return;
	if (left->recorded_right)
		let_go(left->recorded_right);
	if (right) {
		hold(right, left, 1);
		left->recorded_right = right;
		/* whoever was there before has spoken at another time */
		gw_recording_pause(left->recording, 1, 0, 8000, true);
	}
}

void gw_port_record_sound(struct gw_port *port, const int16_t *samples,
			  size_t count, uint32_t rate)
{
	if (!port->recorded_by)
		return;
	if (port->muted)
		gw_recording_pause(port->recorded_by->recording,
				   port->recorded_channel, (uint32_t)count,
				   rate, false);
	else
		gw_recording_put(port->recorded_by->recording,
				 port->recorded_channel, samples, count, rate,
				 gw_port_now_us());
}

void gw_port_record_pause(struct gw_port *port, uint32_t samples, uint32_t rate,
			  bool fresh)
{
	if (port->recorded_by)
		gw_recording_pause(port->recorded_by->recording,
				   port->recorded_channel, samples, rate,
				   fresh);
}
