-- Health of a ModelDeployment for Argo CD, which reads no conditions of a custom resource by itself.
-- Install it with argocd-cm.yaml beside this file, which holds the same text.
local health = { status = "Progressing", message = "Podium has not reconciled this generation yet" }
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready, stalled = conditions["Ready"], conditions["Stalled"]
if stalled ~= nil and stalled.status == "True" then
  health.status, health.message = "Degraded", stalled.message
elseif ready ~= nil and ready.status == "True" then
  health.status, health.message = "Healthy", ready.message
elseif ready ~= nil and ready.status == "False" then
  health.status, health.message = "Degraded", ready.message
elseif ready ~= nil then
  health.status, health.message = "Progressing", ready.message
  if ready.reason == "Paused" then
    health.status = "Suspended"
  end
end
return health
