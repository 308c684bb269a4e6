/**
 * A store in memory for one provider. The default adapter of `oidc-provider` shares one store
 * among all providers of a process.
 */
export function memoryAdapter() {
  const stored = new Map();

  return (model) => {
    const key = (id) => `${model}:${id}`;
    const find = (id) => {
      const entry = stored.get(key(id));
      return entry && (entry.expires === undefined || entry.expires > Date.now()) ? entry.payload : undefined;
    };
    return {
      async upsert(id, payload, expiresIn) {
        stored.set(key(id), { payload, expires: expiresIn && Date.now() + expiresIn * 1000 });
      },
      async find(id) {
        return find(id);
      },
      async findByUid(uid) {
        return [...stored.values()].find(({ payload }) => payload.kind === model && payload.uid === uid)?.payload;
      },
      async findByUserCode() {
        return undefined;
      },
      async consume(id) {
        const payload = find(id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        stored.delete(key(id));
      },
      async revokeByGrantId(grantId) {
        // The provider asks each model that has tokens. An interaction with the grant goes on.
        for (const [k, { payload }] of stored) if (k.startsWith(key('')) && payload.grantId === grantId) stored.delete(k);
      },
    };
  };
}
