/* The newest events of the journal in memory, for readers of the stream: bounded
 * by number and by bytes, oldest out first. Pure. */
#ifndef BELLPULL_SERVER_JOURNAL_H
#define BELLPULL_SERVER_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

struct gw_event;
struct gw_journal;

/* head_id: the newest id there is; nothing up to it is in memory. */
int gw_journal_alloc(struct gw_journal **journalp, uint32_t max_events,
		     uint32_t max_bytes, uint64_t head_id);

/* Takes a reference. Ids must rise. */
void gw_journal_add(struct gw_journal *journal, const struct gw_event *ev);

/* All of it leaves memory. */
void gw_journal_clear(struct gw_journal *journal);

uint64_t gw_journal_head(const struct gw_journal *journal); /* newest id */

/* Every event above this one is in memory. */
uint64_t gw_journal_floor(const struct gw_journal *journal);

/* The first one above id, which isn't below the floor; NULL: none. Valid until
 * the next gw_journal_add(). */
const struct gw_event *gw_journal_after(const struct gw_journal *journal,
					uint64_t id);

#endif
