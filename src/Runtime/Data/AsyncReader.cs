using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Reads sequences of samples to their end.</summary>
internal static class AsyncReader
{
    /// <exception cref="JobRefusedException">A sample does not fit, or the host's sequence failed.</exception>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<InMemoryData> ReadAsync(AsyncData data, CancellationToken cancellation)
    {
        DataLoader.CheckShapes(data.Sample, data.Label);
        var (trainInputs, trainLabels) = await ReadAsync(data, data.Train, "training", cancellation).ConfigureAwait(false);
        var (testInputs, testLabels) = data.Test is null ? default : await ReadAsync(data, data.Test, "test", cancellation).ConfigureAwait(false);
        return new InMemoryData
        {
            Sample = data.Sample, Label = data.Label, Classes = data.Classes,
            TrainInputs = trainInputs, TrainLabels = trainLabels, TestInputs = testInputs, TestLabels = testLabels,
        };
    }

    private static async Task<(HostValues Inputs, HostValues Labels)> ReadAsync(
        AsyncData data, IAsyncEnumerable<HostSample> samples, string which, CancellationToken cancellation)
    {
        var (inputs, labels) = (new SampleBuffer(checked((int)data.Sample.Count)), new SampleBuffer(checked((int)data.Label.Count)));
        try
        {
            await foreach (var sample in samples.WithCancellation(cancellation).ConfigureAwait(false))
            {
                cancellation.ThrowIfCancellationRequested();
                int number = inputs.Count;
                if (inputs.Add(sample.Input) is { } wrong)
                    throw new JobRefusedException($"the input of {which} sample {number:N0} {wrong}");
                if (labels.Add(sample.Label) is { } wrongLabel)
                    throw new JobRefusedException($"the label of {which} sample {number:N0} {wrongLabel}");
            }
        }
        catch (Exception exception) when (exception is not JobRefusedException && !cancellation.IsCancellationRequested)
        {
            throw new JobRefusedException($"the {which} samples end with an error after {inputs.Count:N0}: {exception.Message}", exception);
        }

        cancellation.ThrowIfCancellationRequested();
        return (inputs.ToValues(), labels.ToValues());
    }
}
