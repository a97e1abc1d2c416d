/* Gives a ggml program the RPC devices of GPUSIM_RPC (host:port,…): whisper.cpp has no --rpc option.
 * Loaded through ggml's own extension point for foreign backends, GGML_BACKEND_PATH; the backend
 * that makes the devices is GPUSIM_RPC_BACKEND. */
#include <ggml-backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef ggml_backend_reg_t (*add_server_fn)(const char *endpoint);

__attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init(void) {
    const char *list = getenv("GPUSIM_RPC"), *backend = getenv("GPUSIM_RPC_BACKEND");
    ggml_backend_reg_t rpc = list && backend ? ggml_backend_load(backend) : NULL, last = NULL;
    if (!rpc) return NULL;
    add_server_fn add_server =
        (add_server_fn)ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server");
    char *endpoints = strdup(list), *rest = NULL;
    if (!add_server || !endpoints) return NULL;
    for (char *e = strtok_r(endpoints, ",", &rest); e; e = strtok_r(NULL, ",", &rest)) {
        /* the caller registers what is returned, so that one must not be registered here */
        if (last) ggml_backend_register(last);
        last = add_server(e);
        if (!last) fprintf(stderr, "simulated GPU at %s does not answer\n", e);
    }
    free(endpoints);
    return last;
}
