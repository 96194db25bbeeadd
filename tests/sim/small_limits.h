/* small_limits.h: the bounds of an exchange so small that each seed meets them often; put before
 * every source of the engine, the relay and the simulator in veld_sim_small. */
#ifndef SIM_SMALL_LIMITS_H
#define SIM_SMALL_LIMITS_H

#include "veldkit/limits.h"

#define SIM_SMALL_LIMITS 1

#undef VELD_EXCHANGE_ITEMS_MAX
#undef VELD_EXCHANGE_WANTS_MAX
#undef VELD_EXCHANGE_PAGE_BYTES_MIN
#undef VELD_EXCHANGE_PAGE_BYTES_FIRST
#undef VELD_EXCHANGE_PAGE_BYTES_MAX
#undef VELD_EXCHANGE_SCAN_ITEMS_MAX
#undef VELD_EXCHANGE_HOLDINGS_MAX
#undef VELD_EXCHANGE_RUN_MAX

#define VELD_EXCHANGE_ITEMS_MAX        12u
#define VELD_EXCHANGE_WANTS_MAX        3u
#define VELD_EXCHANGE_PAGE_BYTES_MIN   (2u << 10)
#define VELD_EXCHANGE_PAGE_BYTES_FIRST (4u << 10)
#define VELD_EXCHANGE_PAGE_BYTES_MAX   (4u << 10)
#define VELD_EXCHANGE_SCAN_ITEMS_MAX   7u
#define VELD_EXCHANGE_HOLDINGS_MAX     3u
#define VELD_EXCHANGE_RUN_MAX          3u

#endif
