/* order_row.h: how orders are kept, by who gives them and by who does them. */
#ifndef ORDER_ROW_H
#define ORDER_ROW_H

#include <stdint.h>

#include "veldkit/order.h"
#include "veldkit/store.h"

enum { ORDER_SERIAL_BYTES = 8 };

/* An order with what is known of its doing: given and confirmed, or to be done. */
typedef struct order_row {
    veld_buf bytes;
    int64_t confirmed_utc_ms; /* merger */
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t last_number;
} order_row;

/* order_row_init: release `bytes` at the end. */
void order_row_init(order_row *row);
veld_status order_row_put(veld_store *store, const char *group, veld_span name,
    const order_row *row, veld_error *err) VELD_MUST_CHECK;
veld_status order_row_read(veld_span body, order_row *out, veld_error *err) VELD_MUST_CHECK;
/* order_row_get: Expects VELD_E_NOT_FOUND. */
veld_status order_row_get(veld_store *store, const char *group, veld_span name, order_row *out,
    veld_error *err) VELD_MUST_CHECK;
/* order_row_order: what a kept order says; its signature was verified before it was kept. */
veld_status order_row_order(const order_row *row, veld_order *out, veld_error *err) VELD_MUST_CHECK;

/* The highest serial: that was given to a device, or that this device did; 0 = none. */
veld_status order_last_get(
    veld_store *store, const veld_id *device, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status order_last_put(
    veld_store *store, const veld_id *device, uint64_t serial, veld_error *err) VELD_MUST_CHECK;

#endif
