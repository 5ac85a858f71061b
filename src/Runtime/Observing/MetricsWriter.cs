using System.Text.Json;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// One JSON object a line and step: <c>step, epoch, loss, samples_per_s, step_ms</c>, <c>perplexity</c> for text, and where there are some
/// <c>test_loss</c>, <c>test_accuracy</c> (0 to 1) and <c>digest</c>. Scripts read it.
/// </summary>
public sealed class MetricsWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress) => lines.Write(json =>
    {
        json.WriteNumber("step", progress.Step);
        json.WriteNumber("epoch", progress.Epoch);
        json.WriteNumber("loss", progress.Loss);
        if (progress.Perplexity is { } perplexity && double.IsFinite(perplexity))
            json.WriteNumber("perplexity", perplexity);
        json.WriteNumber("samples_per_s", Math.Round(progress.SamplesPerSecond, 3));
        json.WriteNumber("step_ms", Math.Round(progress.StepTime.TotalMilliseconds, 6));
        if (progress.Test is { } test)
        {
            WriteLoss(json, test.Loss);
            if (test.Accuracy is { } accuracy)
                json.WriteNumber("test_accuracy", accuracy);
        }

        if (progress.Digest is not null)
            json.WriteString("digest", progress.Digest);
    });

    public void Dispose() => lines.Dispose();

    /// <summary>Of a model that has run away the loss may be no number, which JSON does not have.</summary>
    private static void WriteLoss(Utf8JsonWriter json, double loss)
    {
        if (double.IsFinite(loss))
            json.WriteNumber("test_loss", loss);
        else
            json.WriteNull("test_loss");
    }
}

/// <summary>One JSON object a line and committed shard: <c>epoch, step, shard, samples, worker, generation</c>.</summary>
public sealed class LedgerWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress)
    {
        foreach (var shard in progress.Committed)
        {
            lines.Add(json =>
            {
                json.WriteNumber("epoch", shard.Epoch);
                json.WriteNumber("step", shard.Step);
                json.WriteNumber("shard", shard.Shard);
                json.WriteStartArray("samples");
                foreach (long sample in shard.Samples)
                    json.WriteNumberValue(sample);
                json.WriteEndArray();
                json.WriteString("worker", shard.Worker);
                json.WriteNumber("generation", shard.Generation);
            });
        }

        lines.Flush();
    }

    public void Dispose() => lines.Dispose();
}

/// <summary>Objects, one a line, handed on when they are whole, those of one step together: whoever follows the file sees no half line.</summary>
internal sealed class JsonLines(Stream target) : IDisposable
{
    private readonly MemoryStream lines = new();
    private Utf8JsonWriter? writer;

    public void Write(Action<Utf8JsonWriter> content)
    {
        Add(content);
        Flush();
    }

    public void Add(Action<Utf8JsonWriter> content)
    {
        (writer ??= new Utf8JsonWriter(lines)).Reset(lines);
        writer.WriteStartObject();
        content(writer);
        writer.WriteEndObject();
        writer.Flush();
        lines.WriteByte((byte)'\n');
    }

    public void Flush()
    {
        target.Write(lines.GetBuffer().AsSpan(0, (int)lines.Length));
        target.Flush();
        lines.SetLength(0);
    }

    public void Dispose()
    {
        writer?.Dispose();
        lines.Dispose();
        target.Dispose();
    }
}
