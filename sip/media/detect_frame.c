/* What 20 ms of sound are made of.
 *
 * One note is looked for with Goertzel's filter, in steps of 50 Hz, which is what
 * 20 ms can tell apart, and then between them. Two notes at once are often nearer
 * to each other than that: of those that the table of tones has, the frame's share
 * in the space that both span is taken instead. */
#include "sip/media/detect_frame.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "sip/media/tone.h"

enum {
	N = GW_DETECT_FRAME,
	RATE = 8000,
	HZ_MIN = 350,
	STEP_HZ = 50,
	NOTES = 36, /* up to 2100 Hz; a multiple of what a register holds */
	PAIR_HZ_MAX = 650, /* no pair has more of it above */
	DIMENSIONS = 4,    /* sine and cosine of two notes */
};

/* Below this share no note between two steps can be a tone (0.7): half a step
 * beside it a note shows two fifths of itself. */
static const double hopeful = 0.25;

static float notes[NOTES]; /* Goertzel's factor of each */

/* Orthonormal: what a pair of notes spans. */
static struct pair {
	uint16_t hz[2];
	float base[DIMENSIONS][N];
} pairs[GW_DETECT_PAIRS];
static unsigned pairc;

static double dot(const float *a, const float *b)
{
	double sum = 0;

	for (unsigned i = 0; i < N; i++)
		sum += (double)(a[i] * b[i]);
	return sum;
}

/* Gram and Schmidt's way. */
static void span(struct pair *pair)
{
	for (unsigned d = 0; d < DIMENSIONS; d++) {
		const double w = 2 * M_PI * pair->hz[d / 2] / RATE;
		double norm;

		for (unsigned i = 0; i < N; i++)
			pair->base[d][i] =
				(float)(d % 2 ? sin(w * i) : cos(w * i));
		for (unsigned k = 0; k < d; k++) {
			const double in = dot(pair->base[d], pair->base[k]);

			for (unsigned i = 0; i < N; i++)
				pair->base[d][i] -=
					(float)in * pair->base[k][i];
		}
		norm = sqrt(dot(pair->base[d], pair->base[d]));
		for (unsigned i = 0; i < N; i++)
			pair->base[d][i] /= (float)norm;
	}
}

int gw_detect_pair(const uint16_t hz[2])
{
	for (unsigned i = 0; i < pairc; i++) {
		if (pairs[i].hz[0] == hz[0] && pairs[i].hz[1] == hz[1])
			return (int)i;
	}

	return -1;
}

static void set_up(void)
{
	const struct gw_tone_row *row;

	for (unsigned i = 0; i < NOTES; i++)
		notes[i] = (float)(2 * cos(2 * M_PI * (HZ_MIN + i * STEP_HZ) /
					   RATE));
	for (size_t i = 0; (row = gw_tone_row(i)) != NULL; i++) {
		if (!row->hz[1] || row->tone == GW_TONE_SIT ||
		    pairc == GW_DETECT_PAIRS || gw_detect_pair(row->hz) >= 0)
			continue;
		memcpy(pairs[pairc].hz, row->hz, sizeof(pairs[pairc].hz));
		span(&pairs[pairc]);
		pairc++;
	}
}

/* The share of all energy that lies at hz. */
static double share_at(const float *x, double hz, double all)
{
	const float k = (float)(2 * cos(2 * M_PI * hz / RATE));
	float s1 = 0, s2 = 0;

	for (unsigned i = 0; i < N; i++) {
		const float s0 = x[i] + k * s1 - s2;

		s2 = s1;
		s1 = s0;
	}

	return 2 * (double)(s1 * s1 + s2 * s2 - k * s1 * s2) / (N * all);
}

/* The best of all notes. They are looked for side by side: one after the other
 * each step would wait for the one before. */
static void find_note(struct gw_detect_frame *frame, const float *x, double all)
{
	float s1[NOTES] = { 0 }, s2[NOTES] = { 0 };

	for (unsigned i = 0; i < N; i++) {
		for (unsigned n = 0; n < NOTES; n++) {
			const float s0 = x[i] + notes[n] * s1[n] - s2[n];

			s2[n] = s1[n];
			s1[n] = s0;
		}
	}

	for (unsigned n = 0; n < NOTES; n++) {
		const float power = s1[n] * s1[n] + s2[n] * s2[n] -
				    notes[n] * s1[n] * s2[n];
		const double share = 2 * (double)power / (N * all);

		if (share > frame->single) {
			frame->single = share;
			frame->hz = HZ_MIN + n * STEP_HZ;
		}
	}
}

/* The top of a parabola through the best place and half a step to either side. */
static void refine(struct gw_detect_frame *frame, const float *x, double all)
{
	const double half = STEP_HZ / 2.0;
	double at = frame->hz, mid = frame->single, below, above, bend, off;

	for (int i = -1; i <= 1; i += 2) {
		const double share = share_at(x, frame->hz + i * half, all);

		if (share > mid) {
			at = frame->hz + i * half;
			mid = share;
		}
	}

	below = share_at(x, at - half, all);
	above = share_at(x, at + half, all);
	bend = below - 2 * mid + above;
	off = bend < 0 ? (below - above) / (2 * bend) : 0;
	frame->hz = at + off * half;
	frame->single = share_at(x, frame->hz, all);
}

void gw_detect_look(struct gw_detect_frame *frame, const int16_t *samples)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	float x[N];
	double all;

	(void)pthread_once(&once, set_up);
	memset(frame, 0, sizeof(*frame));
	for (unsigned i = 0; i < N; i++)
		x[i] = samples[i];
	all = dot(x, x);
	frame->energy = all / N;
	if (all < N)
		return;

	find_note(frame, x, all);
	if (frame->single > hopeful)
		refine(frame, x, all);
	if (frame->hz > PAIR_HZ_MAX)
		return;

	for (unsigned p = 0; p < pairc; p++) {
		for (unsigned d = 0; d < DIMENSIONS; d++) {
			const double in = dot(x, pairs[p].base[d]);

			frame->pairs[p] += in * in / all;
		}
	}
}
