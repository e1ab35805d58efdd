/* What a joined call costs on the media thread: packets of two sides that talk at
 * once, by loopback, as CPU time of the thread for each packet that is passed on,
 * and the time from a phone to the other by way of it.
 *
 *   gcc -std=gnu11 -O2 -pthread $(make -s print-cppflags) \
 *       tests/bench/media_cost.c build/obj/sip/libre/[*].o build/libbellpull.a \
 *       -Lbuild/deps/lib -lbaresip -lrem -lre -lopus -lspandsp -lgsm -lssl \
 *       -lcrypto -lz -lresolv -ldl -lm -o build/media_cost
 *   build/media_cost 50 10 PCMA opus     50 calls, 10 seconds
 *
 * Each side sends 50 packets a second, evenly spread over the calls. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>

#include <re.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"
#include "sip/media/rtp.h"

enum { CALLS_MAX = 400, SAMPLES_MAX = 1 << 20 };

struct end {
	struct gw_media_port *port;
	struct udp_sock *sock;
	struct sa to;
	struct gw_media_codec codec;
	uint8_t payload[GW_FRAME_BYTES_MAX];
	size_t len;
	uint16_t seq;
	uint32_t ts, heard;
	int64_t sent_us;
	struct end *other;
};

static struct {
	struct mqueue *mq;
	pthread_mutex_t lock;
	struct end ends[2 * CALLS_MAX];
	unsigned count, opened, next;
	unsigned long sent, heard;
	double *delays;
	size_t delayc;
	struct tmr tmr;
	int64_t began_us, until_us;
} bench = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct job {
	void (*fn)(void *arg);
	void *arg;
};

static int post(void (*fn)(void *arg), void *fn_arg, void *arg)
{
	struct job *job = malloc(sizeof(*job));

	(void)arg;
	if (!job)
		return ENOMEM;

	job->fn = fn;
	job->arg = fn_arg;
	return mqueue_push(bench.mq, 0, job);
}

static void on_job(int id, void *data, void *arg)
{
	struct job *job = data;

	(void)id;
	(void)arg;
	job->fn(job->arg);
	free(job);
}

static void hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct end *end = arg;

	(void)src;
	if (mbuf_get_left(mb) < GW_RTP_HEADER)
		return;

	end->heard++;
	bench.heard++;
	if (end->other->sent_us && bench.delayc < SAMPLES_MAX)
		bench.delays[bench.delayc++] =
			(double)(now_us() - end->other->sent_us);
}

static void say(struct end *end)
{
	const struct gw_rtp rtp = {
		.pt = 96, .seq = end->seq++, .ts = end->ts, .ssrc = 1
	};
	uint8_t packet[GW_RTP_HEADER + GW_FRAME_BYTES_MAX];
	struct mbuf mb = { .buf = packet, .size = sizeof(packet) };

	end->ts += end->codec.clock_rate / 50;
	gw_rtp_write(packet, &rtp);
	memcpy(packet + GW_RTP_HEADER, end->payload, end->len);
	mb.end = GW_RTP_HEADER + end->len;
	end->sent_us = now_us();
	bench.sent++;
	(void)udp_send(end->sock, &end->to, &mb);
}

/* Each millisecond the twentieth part of all. */
static void on_tick(void *arg)
{
	const int64_t due = (now_us() - bench.began_us) * bench.count / 20000;

	(void)arg;
	while ((int64_t)bench.sent < due) {
		say(&bench.ends[bench.next]);
		bench.next = (bench.next + 1) % bench.count;
	}
	if (now_us() > bench.until_us)
		re_cancel();
	else
		tmr_start(&bench.tmr, 1, on_tick, NULL);
}

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct end *end = arg;
	struct sa rtp, rtcp;

	if (fact->type != GW_MEDIA_OPENED || fact->err)
		return;

	(void)sa_set_str(&end->to, "127.0.0.1", fact->local_port);
	(void)udp_local_get(end->sock, &rtp);
	(void)sa_set_str(&rtcp, "127.0.0.1", 0);
	(void)gw_media_remote(end->port, &rtp, &rtcp, &end->codec,
			      GW_MEDIA_SENDRECV);
	if (++bench.opened < bench.count)
		return;
	for (unsigned i = 0; i < bench.count; i += 2)
		(void)gw_media_join(bench.ends[i].port, bench.ends[i + 1].port);
	re_cancel();
}

static int open_end(struct end *end, struct gw_media *media, const char *codec)
{
	struct gw_encoder *e = NULL;
	int16_t pcm[GW_FRAME_SAMPLES_MAX];
	struct sa sa;
	int err;

	str_ncpy(end->codec.name, codec, sizeof(end->codec.name));
	end->codec.clock_rate = strcmp(codec, "opus") ? 8000 : 48000;
	end->codec.channels = strcmp(codec, "opus") ? 1 : 2;
	end->codec.pt_tx = end->codec.pt_rx = 96;
	end->codec.ptime_ms = 20;
	end->codec.pt_dtmf_tx = end->codec.pt_dtmf_rx = -1;
	for (int i = 0; i < GW_FRAME_SAMPLES_MAX; i++)
		pcm[i] = (int16_t)(rand() % 8000 - 4000);
	end->len = sizeof(end->payload);
	err = gw_encoder_alloc(&e, codec);
	if (!err)
		err = gw_encode(e, end->payload, &end->len, pcm);
	mem_deref(e);
	if (err) /* no converter: any bytes are as good */
		end->len = 50;

	(void)sa_set_str(&sa, "127.0.0.1", 0);
	err = udp_listen(&end->sock, &sa, hears, end);
	if (!err)
		err = gw_media_open(&end->port, media, &sa, on_fact, end);
	return err;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double cpu_of(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	const struct gw_media_cfg cfg = { .port_min = 30000,
					  .port_max = 39999 };
	const unsigned calls = argc > 1 ? (unsigned)atoi(argv[1]) : 50;
	const unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
	struct gw_media *media = NULL;
	double all, own;

	if (calls > CALLS_MAX || fd_setsize(8192) || libre_init())
		return 1;
	bench.delays = malloc(SAMPLES_MAX * sizeof(double));
	bench.count = 2 * calls;
	if (!bench.delays || mqueue_alloc(&bench.mq, on_job, NULL) ||
	    gw_media_start(&media, &cfg, post, NULL))
		return 1;
	for (unsigned i = 0; i < bench.count; i++) {
		bench.ends[i].other = &bench.ends[i ^ 1];
		if (open_end(&bench.ends[i], media,
			     argc > 3 + (int)(i & 1) ? argv[3 + (i & 1)] :
						       "PCMA"))
			return 1;
	}
	(void)re_main(NULL);

	bench.began_us = now_us();
	bench.until_us = bench.began_us + (int64_t)seconds * 1000000;
	tmr_init(&bench.tmr);
	tmr_start(&bench.tmr, 1, on_tick, NULL);
	all = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
	own = cpu_of(CLOCK_THREAD_CPUTIME_ID);
	(void)re_main(NULL);
	all = cpu_of(CLOCK_PROCESS_CPUTIME_ID) - all;
	own = cpu_of(CLOCK_THREAD_CPUTIME_ID) - own;

	qsort(bench.delays, bench.delayc, sizeof(double), by_size);
	(void)printf("%u calls, %lu said, %lu heard: media thread %.2f us a "
		     "packet, %.4f %% of a core a call; delay p50 %.0f us, "
		     "p99 %.0f us\n",
		     calls, bench.sent, bench.heard,
		     (all - own) / (double)bench.sent,
		     (all - own) / 1e4 / seconds / calls,
		     bench.delays[bench.delayc / 2],
		     bench.delays[bench.delayc * 99 / 100]);
	for (unsigned i = 0; i < bench.count; i++) {
		mem_deref(bench.ends[i].port);
		mem_deref(bench.ends[i].sock);
	}
	gw_media_stop(media);
	mem_deref(bench.mq);
	libre_close();
	free(bench.delays);
	return 0;
}
