/* Keys of one project see each other's calls, and no others; a key with a list of
 * lines knows of these alone. */
#include <string.h>

#include "server/audience.h"
#include "server/events.h"
#include "server/key.h"

bool gw_audience_call(const struct gw_key *key, const char *project,
		      const char *click)
{
	if (!key)
		return true;
	if (!project || 0 != strcmp(project, key->project))
		return false;
	return !key->click || (click && 0 == strcmp(click, key->click->id));
}

bool gw_audience_line(const struct gw_key *key, const char *name)
{
	if (!key || !key->lines.count)
		return true;

	for (size_t i = 0; i < key->lines.count; i++)
		if (0 == strcmp(key->lines.list[i], name))
			return true;
	return false;
}

bool gw_audience_event(const struct gw_key *key, const struct gw_event *ev)
{
	/* who comes with a click token has been let to his call's stream alone */
	if (ev->call_id[0])
		return !key ||
		       (ev->project && 0 == strcmp(ev->project, key->project));

	return !ev->line || gw_audience_line(key, ev->line);
}
