using System.Globalization;

namespace Singa.Actors.Runtime.Observing;

/// <summary>A job's progress as one line of text. Figures of single steps jump about, so they are smoothed.</summary>
public sealed class ProgressText(TrainingFacts facts)
{
    /// <summary>Weight of the newest step: what is shown speaks of about the last twenty.</summary>
    private const double Weight = 0.1;

    private double loss, accuracy, seconds, samples;
    private bool begun;

    public void Add(TrainingProgress progress)
    {
        double weight = begun ? Weight : 1;
        loss += weight * (progress.Loss - loss);
        accuracy += weight * ((progress.Accuracy ?? 0) - accuracy);
        // The first step warms up: its time says nothing of the others'.
        if (begun)
        {
            double first = seconds == 0 ? 1 : Weight;
            seconds += first * (progress.StepTime.TotalSeconds - seconds);
            samples += first * (progress.Samples - samples);
        }

        begun = true;
    }

    /// <summary>As in <c>epoch 2/5  step 1200/4690  loss 0.0612  accuracy 98.1 %  9,120 samples/s  ETA 0:24</c>.</summary>
    public string Of(TrainingProgress progress)
    {
        string text = Line($"epoch {progress.Epoch + 1}/{facts.Epochs}  step {progress.Step + 1}/{progress.TotalSteps}  loss {loss:F4}");
        if (progress.Accuracy is not null)
            text += Line($"  accuracy {accuracy * 100:F1} %");
        if (progress.Perplexity is not null)
            text += Line($"  perplexity {Math.Exp(loss):F2}");
        if (seconds > 0)
            text += Line($"  {samples / seconds:N0} samples/s  ETA {Duration(seconds * (progress.TotalSteps - progress.Step - 1))}");
        return text;
    }

    /// <summary>What the test samples said, as in <c>epoch 2/5  test loss 0.0412  test accuracy 98.63 %</c>.</summary>
    public string OfTest(TrainingProgress progress)
    {
        string text = Line($"epoch {progress.Epoch + 1}/{facts.Epochs}  test loss {progress.Test!.Loss:F4}");
        if (progress.Test.Accuracy is { } right)
            text += Line($"  test accuracy {right * 100:F2} %");
        if (progress.Test.Top is { } top)
            text += Line($"  test top-{top.K} accuracy {top.Share * 100:F2} %");
        return progress.Test.Perplexity is { } perplexity ? text + Line($"  test perplexity {perplexity:F2}") : text;
    }

    private static string Duration(double seconds)
    {
        var time = TimeSpan.FromSeconds(Math.Ceiling(Math.Min(seconds, TimeSpan.FromDays(999).TotalSeconds)));
        return time.TotalHours >= 1 ? Line($"{(long)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}") : Line($"{time.Minutes}:{time.Seconds:00}");
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
