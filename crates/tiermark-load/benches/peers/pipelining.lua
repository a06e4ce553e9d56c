-- wrk ... -s pipelining.lua URL -- DEPTH: so many requests in one write. wrk counts the answers.
init = function(args)
  local requests = {}
  for i = 1, tonumber(args[1]) do
    requests[i] = wrk.format()
  end
  all = table.concat(requests)
end

request = function()
  return all
end
