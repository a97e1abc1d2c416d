const backends = { bench: "@engine", "bench-large": "@engine" };

function by_model(r) {
  const backend = backends[JSON.parse(r.requestText).model];
  if (backend) r.internalRedirect(backend);
  else r.return(404);
}

export default { by_model };
