namespace Singa.Actors.Devices.Queue;

/// <summary>Who wants to know how a submission ended. Told once, outside the queue's lock, by the thread that ended it.</summary>
public interface ISubmissionListener
{
    /// <param name="busy">What the device spent on it.</param>
    void Completed(long tag, TimeSpan busy);

    /// <param name="byPeers">An exchange failed: nothing is wrong with this device, and of what the submission was to write nothing has been written after it.</param>
    void Failed(long tag, string reason, bool byPeers);
}
