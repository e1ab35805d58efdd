/* Keys of one project see each other's calls, and no others; a key with a list of
 * lines knows of these alone. */
#include <string.h>

#include "config/config.h"
#include "server/audience.h"
#include "server/events.h"

bool gw_audience_call(const struct gw_config_key *key, const char *project)
{
	return !key || (project && 0 == strcmp(project, key->project));
}

bool gw_audience_line(const struct gw_config_key *key, const char *name)
{
	if (!key || !key->lines.count)
		return true;

	for (size_t i = 0; i < key->lines.count; i++)
		if (0 == strcmp(key->lines.list[i], name))
			return true;
	return false;
}

bool gw_audience_event(const struct gw_config_key *key,
		       const struct gw_event *ev)
{
	if (ev->call_id[0])
		return gw_audience_call(key, ev->project);

	return !ev->line || gw_audience_line(key, ev->line);
}
