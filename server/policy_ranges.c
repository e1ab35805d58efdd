/* Number ranges that cost dearly or are not for programs: international networks
 * (ITU-T E.164 annex: satellite, premium and shared cost), the parts of +1 that
 * bill like abroad, premium ranges by national plans, and emergency numbers (3GPP TS
 * 22.101 10.1 for the two that networks route worldwide; national plans). Not a
 * tariff: a range that is missing here is still shut until a rule opens it. */
#include "server/policy.h"

#include <string.h>
#include <strings.h>

#define PREMIUM   "premium", "premium-rate numbers"
#define SATELLITE "satellite", "satellite and other international networks"
#define SHARED    "shared_cost", "numbers at shared cost"
#define DEAR      "dear_area", "areas of +1 that cost like abroad"

static const struct gw_policy_range ranges[] = {
	/* clang-format off */
	{ "+979",   PREMIUM },   { "+808",   SHARED },
	{ "+870",   SATELLITE }, { "+878",   SATELLITE },
	{ "+881",   SATELLITE }, { "+882",   SATELLITE },
	{ "+883",   SATELLITE }, { "+888",   SATELLITE },
	{ "+991",   SATELLITE },
	{ "+1900",  PREMIUM },   { "+1976",  PREMIUM },
	{ "+1242",  DEAR }, { "+1246", DEAR }, { "+1264", DEAR },
	{ "+1268",  DEAR }, { "+1284", DEAR }, { "+1340", DEAR },
	{ "+1345",  DEAR }, { "+1441", DEAR }, { "+1473", DEAR },
	{ "+1649",  DEAR }, { "+1658", DEAR }, { "+1664", DEAR },
	{ "+1670",  DEAR }, { "+1671", DEAR }, { "+1684", DEAR },
	{ "+1721",  DEAR }, { "+1758", DEAR }, { "+1767", DEAR },
	{ "+1784",  DEAR }, { "+1787", DEAR }, { "+1809", DEAR },
	{ "+1829",  DEAR }, { "+1849", DEAR }, { "+1868", DEAR },
	{ "+1869",  DEAR }, { "+1876", DEAR }, { "+1939", DEAR },
	{ "+31900", PREMIUM }, { "+31906", PREMIUM }, { "+31909", PREMIUM },
	{ "+3290",  PREMIUM }, { "+3389",  PREMIUM }, { "+3381",  SHARED },
	{ "+3382",  SHARED },  { "+34803", PREMIUM }, { "+34806", PREMIUM },
	{ "+34807", PREMIUM }, { "+34905", PREMIUM }, { "+34901", SHARED },
	{ "+34902", SHARED },  { "+35315", PREMIUM }, 	{ "+351760", PREMIUM }, { "+351761", PREMIUM }, { "+351762", PREMIUM },
	{ "+35860", PREMIUM }, { "+358700", PREMIUM }, { "+359900", PREMIUM },
	{ "+36690", PREMIUM }, { "+3690",  PREMIUM }, { "+3691",  PREMIUM },
	{ "+385600", PREMIUM }, { "+386900", PREMIUM },
	{ "+3989",  PREMIUM }, { "+39199", PREMIUM }, { "+39178", SHARED },
	{ "+40900", PREMIUM }, { "+40903", PREMIUM }, { "+40906", PREMIUM },
	{ "+41900", PREMIUM }, { "+41901", PREMIUM }, { "+41906", PREMIUM },
	{ "+4184",  SHARED },  { "+420900", PREMIUM }, { "+420906", PREMIUM },
	{ "+420909", PREMIUM }, { "+421900", PREMIUM }, { "+43900", PREMIUM },
	{ "+43901", PREMIUM }, { "+43930", PREMIUM }, { "+43931", PREMIUM },
	{ "+43939", PREMIUM }, { "+43810", SHARED },  { "+43820", SHARED },
	{ "+43821", SHARED },  { "+449",   PREMIUM }, { "+44871", PREMIUM },
	{ "+44872", PREMIUM }, { "+44873", PREMIUM }, { "+4470",  PREMIUM },
	{ "+44843", SHARED },  { "+44844", SHARED },  { "+44845", SHARED },
	{ "+44870", SHARED },  { "+4590",  PREMIUM }, { "+46900", PREMIUM },
	{ "+46939", PREMIUM }, { "+46944", PREMIUM }, { "+4782",  PREMIUM },
	{ "+4870",  PREMIUM }, { "+48801", SHARED },  { "+49900", PREMIUM },
	{ "+49137", PREMIUM }, { "+49118", PREMIUM }, { "+49180", SHARED },
	{ "+49190", PREMIUM }, { "+61190", PREMIUM }, { "+6119",  PREMIUM },
	{ "+64900", PREMIUM }, { "+7809", PREMIUM },
	{ "+90900", PREMIUM },
	/* clang-format on */
};

static const struct {
	const char *country; /* NULL: everywhere */
	const char *number;
} emergency[] = {
	/* clang-format off */
	{ NULL, "112" }, { NULL, "911" },
	{ "AT", "122" }, { "AT", "133" }, { "AT", "140" }, { "AT", "144" },
	{ "AU", "000" }, { "AU", "106" }, { "BE", "100" }, { "BE", "101" },
	{ "BR", "190" }, { "BR", "192" }, { "BR", "193" },
	{ "CH", "117" }, { "CH", "118" }, { "CH", "143" }, { "CH", "144" },
	{ "CH", "1414" }, { "CN", "110" }, { "CN", "119" }, { "CN", "120" },
	{ "CZ", "150" }, { "CZ", "155" }, { "CZ", "158" }, { "DE", "110" },
	{ "ES", "061" }, { "ES", "062" }, { "ES", "080" }, { "ES", "085" },
	{ "ES", "091" }, { "ES", "092" }, { "FR", "15" },  { "FR", "17" },
	{ "FR", "18" },  { "FR", "114" }, { "FR", "115" }, { "FR", "119" },
	{ "GB", "999" }, { "HU", "104" }, { "HU", "105" }, { "HU", "107" },
	{ "IE", "999" }, { "IN", "100" }, { "IN", "101" }, { "IN", "102" },
	{ "IN", "108" }, { "IT", "113" }, { "IT", "115" }, { "IT", "118" },
	{ "JP", "110" }, { "JP", "118" }, { "JP", "119" }, { "KR", "119" },
	{ "NO", "110" }, { "NO", "113" }, { "NZ", "111" }, { "PL", "997" },
	{ "PL", "998" }, { "PL", "999" }, { "RU", "101" }, { "RU", "102" },
	{ "RU", "103" }, { "SG", "995" }, { "SG", "999" }, { "SK", "150" },
	{ "SK", "155" }, { "SK", "158" }, { "TR", "155" }, { "TR", "110" },
	{ "ZA", "10111" }, { "ZA", "10177" },
	/* clang-format on */
};

/* Directory enquiries go by 118 and two or three digits all over Europe, and put
 * through to anywhere. */
static bool is_enquiry(const char *number)
{
	const size_t len = strlen(number);

	return !strncmp(number, "118", 3) && (len == 5 || len == 6);
}

const struct gw_policy_range *gw_policy_range(const char *number)
{
	static const struct gw_policy_range enquiry = { "118", PREMIUM };
	const struct gw_policy_range *found = NULL;
	size_t longest = 0;

	if (is_enquiry(number))
		return &enquiry;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const size_t len = strlen(ranges[i].prefix);

		if (len > longest && !strncmp(number, ranges[i].prefix, len)) {
			found = &ranges[i];
			longest = len;
		}
	}
	return found;
}

bool gw_policy_emergency(const char *digits, const char *country)
{
	for (size_t i = 0; i < sizeof(emergency) / sizeof(emergency[0]); i++) {
		const char *where = emergency[i].country;

		if (!strcmp(digits, emergency[i].number) &&
		    (!where || (country && !strcasecmp(where, country))))
			return true;
	}
	return false;
}
