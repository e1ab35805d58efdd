/* One line and the registrars that it knows, under a clock that is moved by hand:
 * hours of schedule pass in milliseconds. */
#ifndef TESTS_CALLS_LINE_WORLD_H
#define TESTS_CALLS_LINE_WORLD_H

#include "sip/libre/tmr_heap.h"
#include "sip/line.h"
#include "tests/calls/registrar.h"

struct line_world {
	struct registrar pbx, second;
	struct gw_stack *stack;
	struct gw_line *line;
	char history[256]; /* states, as they were told */
	struct gw_line_verdict verdict;
	bool has_verdict;
};

/* Stops the clock; closed by itself when the test is over. */
int line_world_open_at(struct line_world *w, const char *address,
		       enum gw_transport transport);
int line_world_open(struct line_world *w);

/* The eventh of its line: arg is the world. */
void line_world_told(struct gw_line *line, void *arg);

/* A line that registers at pbx. */
struct gw_line_cfg line_world_cfg(const struct line_world *w);
int line_world_start(struct line_world *w, const struct gw_line_cfg *cfg);
struct gw_line_info line_world_facts(const struct line_world *w);

#define CONTACT_GRANTED(s) "Contact: <sip:x@192.0.2.1>\r\nExpires: " s "\r\n"

#endif
