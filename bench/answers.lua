-- For wrk: how many answers came, how many bytes they were, and what went wrong.
function done(summary, latency, requests)
   local e = summary.errors
   print(string.format("answers %d bytes %d errors %d", summary.requests, summary.bytes,
      e.connect + e.read + e.write + e.status + e.timeout))
end
