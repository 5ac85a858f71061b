using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Queue;

/// <summary>A queue at one moment. Queued: operations admitted and not started; running: started, or in exchange.</summary>
/// <param name="Jobs">Every job that has a plan on the device, busy or not, in order of their names.</param>
public sealed record QueueStatus(bool IsPaused, int Queued, int Running, Seq<JobDepth> Jobs);

/// <summary>What one job has in the queue: submissions (usually steps) and operations that are not done.</summary>
public readonly record struct JobDepth(JobId Job, int Submissions, int Operations);
