/* What a port hears, as sound: for the other side where the codec is another, for
 * who listens for tones, for a recording. An ear, and with it a decoder, is there
 * only while somebody listens. */
#include "sip/media/port_impl.h"

#include <re.h>

enum { PAUSE_HEARD_MAX_MS = 1000 }; /* of silence, for who listens for tones */

static bool is_listened_to(const struct gw_port *port)
{
	return port->way == GW_WAY_CONVERT || port->detector ||
	       port->recorded_by;
}

/* ---- tones ---- */

static void listen_for_tones(struct gw_port *port, const int16_t *samples,
			     size_t count, uint32_t rate)
{
	struct gw_media_fact fact = { .type = GW_MEDIA_TONE,
				      .local_port = port->number };
	int16_t pcm[GW_PIECE_MAX];
	size_t n;

	if (!port->detector)
		return;

	n = gw_halfband_convert(&port->detector_rate, pcm, 8000, samples, count,
				rate);
	fact.tone = gw_detect(port->detector, pcm, n);
	if (fact.tone != GW_TONE_NONE)
		gw_port_tell(port, &fact);
}

void gw_port_detect(struct gw_port *port, bool on)
{
	if (on == (port->detector != NULL))
		return;

	if (on)
		port->detector = mem_zalloc(sizeof(*port->detector), NULL);
	else
		port->detector = mem_deref(port->detector);
	gw_port_update_ear(port);
}

/* A sender that says nothing is silent. */
static void listen_to_pause(struct gw_port *port, uint32_t samples,
			    uint32_t rate)
{
	static const int16_t silence[GW_PIECE_MAX];
	const uint32_t most = rate / 1000 * PAUSE_HEARD_MAX_MS;
	const uint32_t piece = rate / 1000 * GW_FRAME_MS;

	if (samples > most)
		samples = most;
	for (; samples >= piece; samples -= piece)
		listen_for_tones(port, silence, piece, rate);
}

/* ---- the ear ---- */

static void on_sound(const int16_t *samples, size_t count, uint32_t rate,
		     void *arg)
{
	struct gw_port *port = arg;

	gw_port_pass_sound(port, samples, count, rate);
	listen_for_tones(port, samples, count, rate);
	gw_port_record_sound(port, samples, count, rate);
}

static void on_pause(uint32_t samples, uint32_t rate, bool fresh, void *arg)
{
	struct gw_port *port = arg;

	gw_port_pass_pause(port, samples, rate, fresh);
	listen_to_pause(port, samples, rate);
	gw_port_record_pause(port, samples, rate, fresh);
}

void gw_port_hear(struct gw_port *port, const struct gw_rtp *rtp)
{
	const struct gw_ear_to to = { .soundh = on_sound,
				      .pauseh = on_pause,
				      .arg = port };

	if (is_listened_to(port) && gw_port_may_receive(port))
		gw_ear_take(&port->ear, &port->codec, rtp, &to);
}

void gw_port_update_ear(struct gw_port *port)
{
	if (!is_listened_to(port))
		gw_ear_close(&port->ear);
}

void gw_port_close_ear(struct gw_port *port)
{
	port->detector = mem_deref(port->detector);
	gw_ear_close(&port->ear);
}
