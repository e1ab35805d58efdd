/* The exposition, line by line where it is easy to get wrong. */
#include <re.h>

#include "server/metrics.h"
#include "sip/stack.h"
#include "tests/test.h"

static uint32_t seven(void *arg)
{
	(void)arg;
	return 7;
}

static void two_lines(void (*h)(const char *line, int registered, void *harg),
		      void *harg, void *arg)
{
	(void)arg;
	h("office", 1, harg);
	h("trunk", 0, harg);
}

static void some_dropped(struct gw_stack_dropped *dropped, void *arg)
{
	(void)arg;
	*dropped = (struct gw_stack_dropped){ 3, 2, 1 };
}

static const struct gw_metrics_src src = { .calls_activeh = seven,
					   .linesh = two_lines,
					   .sip_droppedh = some_dropped };

static int print(struct mbuf **mbp, const struct gw_metrics *m)
{
	*mbp = mbuf_alloc(8192);
	return !*mbp || gw_metrics_print(*mbp, m) || mbuf_write_u8(*mbp, 0);
}

static int test_metrics_count_outcomes(void)
{
	OWNED struct gw_metrics *m = NULL;
	OWNED struct mbuf *mb = NULL;
	const char *text;

	CHECK_OK(gw_metrics_alloc(&m, &src));
	gw_metrics_call_ended(m, "completed", "normal_clearing", 2500, 42000);
	gw_metrics_call_ended(m, "completed", "normal_clearing", 500, 4000);
	gw_metrics_call_ended(m, "busy", "busy", -1, 0);
	gw_metrics_call_ended(m, "failed", "dns_error", -1, 0);
	gw_metrics_rejected(m, "capacity");
	gw_metrics_recorded(m, true);
	gw_metrics_recorded(m, true);
	gw_metrics_recorded(m, false);
	CHECK_OK(print(&mb, m));
	text = (const char *)mb->buf;

	CHECK(strstr(text, "bellpull_calls_total{result=\"completed\","
			   "cause_class=\"normal\"} 2\n"));
	CHECK(strstr(text, "bellpull_calls_total{result=\"busy\","
			   "cause_class=\"party\"} 1\n"));
	CHECK(strstr(text, "bellpull_calls_total{result=\"failed\","
			   "cause_class=\"network\"} 1\n"));
	CHECK(strstr(text,
		     "bellpull_call_rejected_total{code=\"capacity\"} 1\n"));
	CHECK(strstr(text, "bellpull_calls_active 7\n"));
	CHECK(strstr(text, "bellpull_recordings_total{result=\"saved\"} 2\n"
			   "bellpull_recordings_total{result=\"lost\"} 1\n"));
	CHECK(strstr(text, "bellpull_sip_registered{account=\"trunk\"} 0\n"));
	CHECK(strstr(text,
		     "bellpull_sip_dropped_total{reason=\"malformed\"} 3\n"
		     "bellpull_sip_dropped_total{reason=\"too_often\"} 2\n"
		     "bellpull_sip_dropped_total{reason=\"connections\"} 1\n"));
	return 0;
}
TEST(test_metrics_count_outcomes);

/* Buckets are cumulative, and +Inf is the count. */
static int test_metrics_histograms_are_cumulative(void)
{
	OWNED struct gw_metrics *m = NULL;
	OWNED struct mbuf *mb = NULL;
	const char *text;

	CHECK_OK(gw_metrics_alloc(&m, &src));
	gw_metrics_call_ended(m, "completed", "normal_clearing", 1000, 42000);
	gw_metrics_call_ended(m, "completed", "normal_clearing", 1001, 4000);
	gw_metrics_call_ended(m, "completed", "time_limit", 120000, 7200000);
	CHECK_OK(print(&mb, m));
	text = (const char *)mb->buf;

	CHECK(strstr(text, "bellpull_call_setup_seconds_bucket{le=\"1\"} 1\n"
			   "bellpull_call_setup_seconds_bucket{le=\"2\"} 2\n"
			   "bellpull_call_setup_seconds_bucket{le=\"5\"} 2\n"));
	CHECK(strstr(text, "bellpull_call_setup_seconds_bucket{le=\"+Inf\"} 3\n"
			   "bellpull_call_setup_seconds_sum 122.001\n"
			   "bellpull_call_setup_seconds_count 3\n"));
	CHECK(strstr(text, "bellpull_call_duration_seconds_count 3\n"));
	return 0;
}
TEST(test_metrics_histograms_are_cumulative);
